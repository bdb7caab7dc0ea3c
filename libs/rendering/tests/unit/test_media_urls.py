"""Media URLs: public ones for ever, private ones for an hour at most."""

from urllib.parse import parse_qs, urlsplit

import pytest
from rendering.media_urls import MediaUrls, is_media_path

KEY = b"k" * 32


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def _parts(url: str) -> tuple[str, str, str]:
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    return parts.path.removeprefix("/media/s/"), query["exp"][0], query["sig"][0]


def test_a_public_file_has_a_plain_url():
    assert MediaUrls("http://e/", KEY, Clock(0)).url("public/k/1080.webp") == "http://e/media/p/k/1080.webp"


@pytest.mark.parametrize("key", ["originals/1/ab", "uploads/7", "", "publics/x/y"])
def test_what_is_not_for_delivery_has_no_url(key: str):
    with pytest.raises(ValueError, match="delivery"):
        MediaUrls("http://e", KEY, Clock(0)).url(key)


@pytest.mark.parametrize("now", [0, 1, 1799.9, 1800, 1_900_000_001])
def test_a_signed_url_lives_from_half_an_hour_to_an_hour(now: float):
    clock = Clock(now)
    urls = MediaUrls("http://e", KEY, clock)
    url = urls.url("private/k/1080.webp")
    assert 1800 <= urls.seconds_left(*_parts(url)) <= 3600
    clock.now = now + 3601
    assert urls.seconds_left(*_parts(url)) == 0


def test_a_signed_url_stays_the_same_for_a_while():
    clock = Clock(1800)
    urls = MediaUrls("http://e", KEY, clock)
    first = urls.url("private/k/1080.webp")
    clock.now = 3599
    assert urls.url("private/k/1080.webp") == first
    clock.now = 3600
    assert urls.url("private/k/1080.webp") != first


def test_another_key_or_path_or_time_is_not_signed():
    urls = MediaUrls("http://e", KEY, Clock(0))
    path, exp, sig = _parts(urls.url("private/k/1080.webp"))
    assert urls.seconds_left("k/640.webp", exp, sig) == 0
    assert urls.seconds_left(path, str(int(exp) + 1), sig) == 0
    assert urls.seconds_left(path, exp, sig[:-1]) == 0
    assert MediaUrls("http://e", b"j" * 32, Clock(0)).seconds_left(path, exp, sig) == 0


@pytest.mark.parametrize("exp", ["", "-1", "1e9", "٣", " 1", "9" * 13])
def test_an_expiry_that_is_no_number_is_no_expiry(exp: str):
    assert MediaUrls("http://e", KEY, Clock(0)).seconds_left("k/a", exp, "x") == 0


@pytest.mark.parametrize("path", ["k/1080.webp", "a-b_c/x.jpg", "k/hls/0.ts"])
def test_paths_of_media(path: str):
    assert is_media_path(path)


@pytest.mark.parametrize(
    "path", ["", "k", "k/", "/k/a", "k/../a", "k/.a", "k//a", "k/a b", "k/a\n", "k/é", "a/b/c/d/e/f"]
)
def test_paths_of_nothing(path: str):
    assert not is_media_path(path)
