"""Published scales of dependence, burden, risk, pain and frailty, and adherence to medicines.

tables      a scale as data: items, options with points, bands (data/twin/scales)
scoring     answers to a total, its band, and what is missing: `score`
events      scales that a timeline holds: `from_events`
adherence   days covered by what was dispensed: `adherence`
files       a file of answers, one total a line
"""
