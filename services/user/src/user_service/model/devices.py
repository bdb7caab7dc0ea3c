"""What to call a device in the list of sessions."""

# The order matters: nearly all browsers name others before themselves, for old servers' sake.
_PROGRAMS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chromium", "Chromium"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
_SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
_LONGEST = 40


def name_of(given: str, user_agent: str) -> str:
    """What the client called itself, else "Firefox on Linux" as far as its user agent tells, else the first word of
    that, such as "curl". Empty when it told nothing. Versions are left out: they are frozen, or change every month."""
    if given:
        return given
    program = next((name for mark, name in _PROGRAMS if f"{mark}/" in user_agent or f"{mark}iOS/" in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if program and system:
        return f"{program} on {system}"
    return program or system or user_agent.partition("/")[0].partition(" ")[0][:_LONGEST]
