"""What the sections of a medicine's text are about, in each scheme that names them.

The kinds are what a patient or a pharmacist asks about; each source names its sections its own
way: LOINC codes (Structured Product Labeling), field names (openFDA), and the codes, numbers and
headings of the European QRD template (electronic product information).
"""

from __future__ import annotations

import re

from cauce.sources.substances import substance_group as substance_group

KINDS = (
    "use",
    "dose",
    "side_effects",
    "contraindications",
    "interactions",
    "pregnancy",
    "driving",
    "overdose",
    "storage",
    "composition",
)
"""The kinds that every text is expected to have, and that people ask about most."""

FURTHER_KINDS = (
    "warnings",
    "children",
    "elderly",
    "populations",
    "mechanism",
    "dependence",
    "patients",
)
"""Kinds that only some texts set apart; a section of none of both is `other`.

`populations` gathers several groups of patients, `patients` is written for them: leaflets inside
a professional text.
"""

_LABEL_SECTIONS = """
34066-1 boxed_warning warnings
34067-9 indications_and_usage use
55105-1 purpose use
34068-7 dosage_and_administration dose
59845-8 instructions_for_use dose
60562-6 route dose
34084-4 adverse_reactions side_effects
34070-3 contraindications contraindications
50570-1 do_not_use contraindications
34073-7 drug_interactions interactions
34074-5 drug_and_or_laboratory_test_interactions interactions
50568-5 ask_doctor_or_pharmacist interactions
42228-7 pregnancy pregnancy
53414-9 pregnancy_or_breast_feeding pregnancy
34077-8 teratogenic_effects pregnancy
34078-6 nonteratogenic_effects pregnancy
34079-4 labor_and_delivery pregnancy
34080-2 nursing_mothers pregnancy
77290-5 lactation pregnancy
34088-5 overdosage overdose
44425-7 storage_and_handling storage
34069-5 how_supplied storage
34089-3 description composition
55106-9 active_ingredient composition
51727-6 inactive_ingredient composition
43678-2 dosage_forms_and_strengths composition
34071-1 warnings warnings
43685-7 warnings_and_cautions warnings
42232-9 precautions warnings
34072-9 general_precautions warnings
50567-7 when_using warnings
50566-9 stop_use warnings
50569-3 ask_doctor warnings
50565-1 keep_out_of_reach_of_children warnings
54433-8 user_safety_warnings warnings
50741-8 safe_handling_warning warnings
34081-0 pediatric_use children
34082-8 geriatric_use elderly
43684-0 use_in_specific_populations populations
43679-0 mechanism_of_action mechanism
43681-6 pharmacodynamics mechanism
43682-4 pharmacokinetics mechanism
34090-1 clinical_pharmacology mechanism
42227-9 drug_abuse_and_dependence dependence
34086-9 abuse dependence
34087-7 dependence dependence
34076-0 information_for_patients patients
42230-3 spl_patient_package_insert patients
42231-1 spl_medguide patients
68498-5 patient_medication_information patients
"""

KIND_OF_LOINC = {
    code: kind for code, _, kind in (line.split() for line in _LABEL_SECTIONS.split("\n") if line)
}
"""Kind of a section of Structured Product Labeling, by its LOINC code; `other` when absent."""

KIND_OF_FIELD = {
    field: kind for _, field, kind in (line.split() for line in _LABEL_SECTIONS.split("\n") if line)
}
"""Kind of a section of an openFDA label, by its field; `other` when absent."""

PARENTS_OF_FIELD = {
    "abuse": ("drug_abuse_and_dependence",),
    "animal_pharmacology_and_or_toxicology": ("nonclinical_toxicology",),
    "ask_doctor": ("warnings",),
    "ask_doctor_or_pharmacist": ("warnings",),
    "boxed_warning": ("warnings", "spl_unclassified_section"),
    "carcinogenesis_and_mutagenesis_and_impairment_of_fertility": (
        "nonclinical_toxicology",
        "precautions",
        "clinical_pharmacology",
    ),
    "controlled_substance": ("drug_abuse_and_dependence",),
    "dependence": ("drug_abuse_and_dependence",),
    "do_not_use": ("warnings",),
    "drug_and_or_laboratory_test_interactions": ("drug_interactions", "precautions"),
    "drug_interactions": ("precautions",),
    "general_precautions": ("precautions",),
    "geriatric_use": ("use_in_specific_populations", "precautions"),
    "information_for_patients": ("precautions",),
    "keep_out_of_reach_of_children": ("warnings",),
    "labor_and_delivery": ("use_in_specific_populations", "precautions"),
    "laboratory_tests": ("precautions", "warnings_and_cautions"),
    "mechanism_of_action": ("microbiology", "clinical_pharmacology"),
    "microbiology": ("clinical_pharmacology",),
    "nonteratogenic_effects": ("pregnancy", "use_in_specific_populations", "precautions"),
    "nursing_mothers": ("use_in_specific_populations", "precautions"),
    "overdosage": ("warnings",),
    "pediatric_use": ("use_in_specific_populations", "precautions"),
    "pharmacodynamics": ("clinical_pharmacology",),
    "pharmacogenomics": ("clinical_pharmacology",),
    "pharmacokinetics": ("clinical_pharmacology",),
    "pregnancy": ("use_in_specific_populations", "precautions", "warnings"),
    "pregnancy_or_breast_feeding": ("warnings",),
    "risks": ("pregnancy", "use_in_specific_populations"),
    "stop_use": ("warnings",),
    "storage_and_handling": ("how_supplied",),
    "teratogenic_effects": ("pregnancy", "use_in_specific_populations", "precautions"),
    "when_using": ("warnings",),
}
"""Fields whose text openFDA repeats inside another field, nearest parent first."""

KIND_OF_QRD_CODE = {
    "200000029793": "composition",
    "200000029799": "use",
    "200000029800": "dose",
    "200000029801": "dose",
    "200000029803": "dose",
    "200000029805": "contraindications",
    "200000029806": "warnings",
    "200000029809": "interactions",
    "200000029811": "pregnancy",
    "200000029815": "driving",
    "200000029816": "side_effects",
    "200000029819": "overdose",
    "200000029837": "composition",
    "200000029840": "storage",
    "200000029895": "use",
    "200000029896": "warnings",
    "200000029897": "contraindications",
    "200000029898": "warnings",
    "200000029899": "warnings",
    "200000029900": "interactions",
    "200000029901": "interactions",
    "200000029902": "pregnancy",
    "200000029903": "driving",
    "200000029904": "warnings",
    "200000029905": "dose",
    "200000029907": "overdose",
    "200000029910": "side_effects",
    "200000029913": "storage",
    "200000029915": "composition",
}
"""Kind of a section of a European text, by the code of the QRD template."""

KIND_OF_SMPC_NUMBER = {
    "2": "composition",
    "4.1": "use",
    "4.2": "dose",
    "4.3": "contraindications",
    "4.4": "warnings",
    "4.5": "interactions",
    "4.6": "pregnancy",
    "4.7": "driving",
    "4.8": "side_effects",
    "4.9": "overdose",
    "5.1": "mechanism",
    "5.2": "mechanism",
    "6.1": "composition",
    "6.4": "storage",
}
"""Kind of a section of a professional text (summary of product characteristics), by number."""

KIND_OF_LEAFLET_NUMBER = {
    "1": "use",
    "2": "warnings",
    "3": "dose",
    "4": "side_effects",
    "5": "storage",
}
"""Kind of a section of a patient text (package leaflet), by number."""

_HEADINGS = [
    (re.compile(pattern, re.IGNORECASE), kind)
    for pattern, kind in (
        (r"embarazo|lactancia|fertilidad|pregnan|breast.?feed|lactation|nursing", "pregnancy"),
        (r"conducci[oó]n|conducir|\bdriving\b|operate machin", "driving"),
        (r"^no (tome|use|utilice|deben? (usar|tomar))\b|^do not (take|use)\b", "contraindications"),
        (r"^contraindica", "contraindications"),
        (r"^(si|if) .*(m[aá]s|more).*(del? que|than)|sobredosi|overdos", "overdose"),
        (r"otros medicamentos|other medicines|interacci|interaction|alcohol", "interactions"),
        (r"efectos adversos|reacciones adversas|side effects|adverse (reaction|effect)",
         "side_effects"),
        (r"conservaci[oó]n|how to store|storage", "storage"),
        (r"composici[oó]n|what .* contains|description", "composition"),
        (r"posolog|c[oó]mo (tomar|usar)|how to (take|use)|dosage|dosing", "dose"),
        (r"advertencia|precauci|warning", "warnings"),
        (r"indicaci|indication|para qu[eé] se (usa|utiliza)", "use"),
    )
]  # fmt: skip


def kind_of_heading(title: str) -> str:
    """The kind that a heading's words speak of, or `other`; Spanish and English.

    >>> kind_of_heading("Conducción y uso de máquinas")
    'driving'
    >>> kind_of_heading("If you take more Xanadu than you should")
    'overdose'
    """
    return next((kind for pattern, kind in _HEADINGS if pattern.search(title)), "other")
