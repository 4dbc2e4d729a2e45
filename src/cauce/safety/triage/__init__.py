"""Emergencies before the model: what is one, and what is said instead of a model's answer.

wording     how a person's words are read: as they sound, without sex, age and country
signs       phrases that tell danger or its absence (data/emergencies/signs.yaml)
wrappers    games and orders to a model that hide a cry for help
detecting   rules and a learned table together: `triage`
answers     fixed answers and telephone numbers by country (data/emergencies)
files       a file of texts, one alarm a line
"""

from cauce.safety.triage.answers import EmergencyAnswer, Kind, Number, Review, emergency_answer
from cauce.safety.triage.detecting import Alarm, triage
from cauce.safety.triage.files import triage_file

__all__ = [
    "Alarm",
    "EmergencyAnswer",
    "Kind",
    "Number",
    "Review",
    "emergency_answer",
    "triage",
    "triage_file",
]
