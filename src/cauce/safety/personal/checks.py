"""Whether the check letter or the check digits of a number are right."""

from __future__ import annotations

import re

_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_NOT_WRITTEN = re.compile(r"[\s./-]")


def is_dni(text: str) -> bool:
    """Whether it is a DNI or an NIE with its right letter.

    The letter is that of the number modulo 23 (RD 1553/2005); X, Y and Z of an NIE count 0, 1, 2.

    >>> is_dni("12345678-Z"), is_dni("x1234567l"), is_dni("12345678A")
    (True, True, False)
    """
    written = _bare(text)
    if not re.fullmatch(r"[XYZ]?\d{7,8}[A-Z]", written) or len(written) != 9:
        return False
    number = int(written[:-1].translate(str.maketrans("XYZ", "012")))
    return written[-1] == _DNI_LETTERS[number % 23]


def is_nuss(text: str) -> bool:
    """Whether it is a Spanish social security number: province, number, and that modulo 97.

    A number below ten million counts as if it had one digit less.

    >>> is_nuss("28 12345678 40"), is_nuss("28 12345678 41")
    (True, False)
    """
    written = _bare(text)
    if not re.fullmatch(r"\d{12}", written) or not _is_province(int(written[:2])):
        return False
    province, number = int(written[:2]), int(written[2:10])
    whole = province * (10**7 if number < 10**7 else 10**8) + number
    return whole % 97 == int(written[10:])


def is_iban(text: str) -> bool:
    """Whether the whole of an account number is 1 modulo 97 (ISO 13616).

    >>> is_iban("ES91 2100 0418 4502 0005 1332"), is_iban("ES92 2100 0418 4502 0005 1332")
    (True, False)
    """
    written = _bare(text)
    if not re.fullmatch(r"[A-Z]{2}\d{2}[0-9A-Z]{11,30}", written):
        return False
    return int("".join(str(int(letter, 36)) for letter in written[4:] + written[:4])) % 97 == 1


def _is_province(number: int) -> bool:
    """1 to 53, and 66 for those who worked abroad."""
    return 1 <= number <= 53 or number == 66


def _bare(text: str) -> str:
    return _NOT_WRITTEN.sub("", text).upper()
