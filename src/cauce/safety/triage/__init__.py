"""Emergencies before the model: what is one, and what is said instead of a model's answer.

wording     how a person's words are read: as they sound, without sex, age and country
signs       phrases that tell danger or its absence (data/emergencies/signs.yaml)
wrappers    games and orders to a model that hide a cry for help
detecting   rules and a learned table together: `triage`
answers     fixed answers and telephone numbers by country (data/emergencies)
files       a file of texts, one alarm a line
"""
