"""The forms of names, label keys and label values; every check answers with what is wrong, in the API's words.

Recorded in vectors/kube/validation/names and vectors/kube/validation/labels.
"""

from __future__ import annotations

import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_LABEL_1035 = "[a-z]([-a-z0-9]*[a-z0-9])?"
_KEY_NAME = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_KEY_NAME})?"
_CONFIG_KEY = "[-._a-zA-Z0-9]+"

_KEY_EXAMPLES = "(e.g. 'MyName',  or 'my.name',  or '123-abc', "


def _regex_text(start: str, form: str, *examples: str) -> str:
    listed = ",  or ".join(f"'{example}'" for example in examples)
    return f"{start} (e.g. {listed}, regex used for validation is '{form}')"


_SUBDOMAIN_TEXT = _regex_text(
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    "and end with an alphanumeric character",
    _SUBDOMAIN,
    "example.com",
)


def _complaints(text: str, form: str, longest: int, wrong: str) -> list[str]:
    found = []
    if len(text) > longest:
        found.append(f"must be no more than {longest} characters")
    if not re.fullmatch(form, text):
        found.append(wrong)
    return found


def subdomain(text: str) -> list[str]:
    return _complaints(text, _SUBDOMAIN, 253, _SUBDOMAIN_TEXT)


def label(text: str) -> list[str]:
    """One part of a DNS name."""
    wrong = _regex_text(
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and "
        "end with an alphanumeric character",
        _LABEL,
        "my-name",
        "123-abc",
    )
    return _complaints(text, _LABEL, 63, wrong)


def label_1035(text: str) -> list[str]:
    wrong = _regex_text(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
        "character, and end with an alphanumeric character",
        _LABEL_1035,
        "my-name",
        "abc-123",
    )
    return _complaints(text, _LABEL_1035, 63, wrong)


def namespace(text: str) -> list[str]:
    if "." in text and not subdomain(text):
        return ["must not contain dots"]
    return label(text)


def path_segment(text: str) -> list[str]:
    """Names that may be anything that fits between two slashes."""
    if text in (".", ".."):
        return [f"may not be '{text}'"]
    return [f"may not contain '{sign}'" for sign in "/%" if sign in text]


def config_key(text: str) -> list[str]:
    if text in (".", ".."):
        return [f"must not be '{text}'"]
    if text.startswith("..") and len(text) > 2:
        return ["must not start with '..'"]
    wrong = _regex_text(
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.'",
        _CONFIG_KEY,
        "key.name",
        "KEY_NAME",
        "key-name",
    )
    return _complaints(text, _CONFIG_KEY, 253, wrong)


def port_name(text: str) -> list[str]:
    found = []
    if len(text) > 15:
        found.append("must be no more than 15 characters")
    if not re.fullmatch("[a-z0-9-]*", text):
        found.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", text):
        found.append("must contain at least one letter (a-z)")
    if "--" in text:
        found.append("must not contain consecutive hyphens")
    if text and (text[0] == "-" or text[-1] == "-"):
        found.append("must not begin or end with a hyphen")
    return found


def label_key(text: str) -> list[str]:
    """A qualified name: a name with an optional DNS prefix before a slash."""
    characters = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    form = f"{characters} {_KEY_EXAMPLES}regex used for validation is '{_KEY_NAME}')"
    parts = text.split("/")
    if len(parts) > 2:
        return [
            f"a valid label key {form} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
        ]
    found = []
    if len(parts) == 2:
        if not parts[0]:
            found.append("prefix part must be non-empty")
        else:
            found += [f"prefix part {wrong}" for wrong in subdomain(parts[0])]
    name = parts[-1]
    if not name:
        found.append("name part must be non-empty")
    elif len(name) > 63:
        found.append("name part must be no more than 63 bytes")
    if not re.fullmatch(_KEY_NAME, name):
        found.append(f"name part {form}")
    return found


def label_value(text: str) -> list[str]:
    if len(text.encode()) > 63:
        return ["must be no more than 63 bytes"]
    if re.fullmatch(_LABEL_VALUE, text):
        return []
    return [
        _regex_text(
            "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
            "start and end with an alphanumeric character",
            _LABEL_VALUE,
            "MyValue",
            "my_value",
            "12345",
        )
    ]
