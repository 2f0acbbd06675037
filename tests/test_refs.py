"""The reference grammar: what is written comes back, and no text crashes it."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_ext.errors import InvalidValue
from mlops_ext.refs import KINDS, MAX_NAME, DigestPrefix, Label, Latest, Number, Ref, check_label, check_name

pytestmark = pytest.mark.fast

NAMES = (
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters="/:@\\"), min_size=1, max_size=60)
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(lambda text: text.isprintable())
)
DIGESTS = st.builds(
    DigestPrefix, st.sampled_from(["b3", "sha256"]), st.text("0123456789abcdef", min_size=8, max_size=64)
)
LABELS = NAMES.filter(lambda text: text != "latest" and not (text.isascii() and text.isdecimal()))
SELECTORS = st.just(Latest()) | st.builds(Number, st.integers(1, 2**31 - 1)) | DIGESTS | st.builds(Label, LABELS)


@given(name=NAMES, selector=SELECTORS)
def test_a_written_reference_is_read_back(name, selector):
    ref = Ref(name, selector)
    assert Ref.parse(str(ref)) == ref
    assert Ref.parse(f"  {ref} ") == ref


@given(name=NAMES, selector=SELECTORS, kind=st.sampled_from(KINDS))
def test_a_kind_may_stand_before_it(name, selector, kind):
    ref = Ref.parse(f"{kind}:{Ref(name, selector)}")
    assert ref == Ref(name, selector, kind)
    assert Ref.parse(str(ref), kind) == ref


@given(st.text() | st.text("abc@:/\\3 .v\n\0\ud800"))
def test_any_text_is_a_reference_or_one_sentence(text):
    try:
        ref = Ref.parse(text)
    except InvalidValue as error:
        sentence = error
    else:
        assert Ref.parse(str(ref), ref.kind) == ref
        return
    assert sentence.message
    assert sentence.hint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("delay", Ref("delay")),
        ("delay@latest", Ref("delay", Latest())),
        ("delay@3", Ref("delay", Number(3))),
        ("delay@003", Ref("delay", Number(3))),
        ("delay@champion", Ref("delay", Label("champion"))),
        ("delay@b3:ab12cd34", Ref("delay", DigestPrefix("b3", "ab12cd34"))),
        ("model:delay@production", Ref("delay", Label("production"), "model")),
        ("run:0192f0c1a2b37c4d8e5f60718293a4b5", Ref("0192f0c1a2b37c4d8e5f60718293a4b5", Latest(), "run")),
        ("Verspätung Köln@7", Ref("Verspätung Köln", Number(7))),
    ],
)
def test_the_forms_of_the_grammar(text, expected):
    assert Ref.parse(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "@3", "delay@", "delay@0", "delay@2147483648", "delay@" + "9" * 5000, "delay@b3:ab12", "delay@b3:AB12CD34",
     "delay@md5:ab12cd34", "a/b", "a\\b", "modle:delay", ":delay", "a@b@c", "a\tb", "a\u200bb", "x" * 251],
)  # fmt: skip
def test_what_is_no_reference_is_refused_with_a_remedy(text):
    with pytest.raises(InvalidValue) as caught:
        Ref.parse(text)
    assert caught.value.hint


def test_another_kind_than_expected_is_refused():
    with pytest.raises(InvalidValue, match="is a dataset, not a model"):
        Ref.parse("dataset:flights", "model")


def test_two_spellings_of_one_name_are_one():
    assert check_name("Ko\u0308ln") == check_name("K\u00f6ln") == "K\u00f6ln"
    assert Ref.parse("Ko\u0308ln@3") == Ref.parse("K\u00f6ln@3")


@given(NAMES)
def test_a_name_that_was_accepted_is_accepted_as_it_is(name):
    assert check_name(check_name(name)) == check_name(name)


def test_a_name_has_at_most_250_characters():
    assert check_name("x" * MAX_NAME) == "x" * MAX_NAME
    with pytest.raises(InvalidValue, match="251"):
        check_name("x" * (MAX_NAME + 1))


@pytest.mark.parametrize("label", ["latest", "3", "007", "v3", "٣", "production", "a:b", ""])
def test_what_reads_as_a_version_or_an_environment_is_no_alias(label):
    with pytest.raises(InvalidValue):
        check_label(label, ("development", "staging", "production"))


def test_a_word_is_an_alias():
    assert check_label("champion", ("production",)) == "champion"
