"""A day or a time that is taken back in the same message: "Thurs, no wait, Fri".

Regular expressions over the text as typed, in lower case, and what is put in their place.
"""

from __future__ import annotations

import re
from collections.abc import Callable

#: A day as typed.
DAY = r"[a-z]+days?|tomorrow|today|mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun"
#: What may stand before the day that is meant.
_ON = r"(?:on |the |this |next )*"
_TIME = r"(?:\d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m?\b\.?)?)"
_NTH = (
    r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth"
    r"|\d{1,2}(?:st|nd|rd|th))"
)
_CLOCK = (
    r"(?:(?:half|quarter|half past|quarter past|quarter to) )?(?:\d{1,2}(?:[:.]\d\d)?(?: ?[ap]m)?"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|noon)"
    r"(?: thirty| fifteen| o'?clock)?"
)
_NO = (
    r"(?:(?:oh|ah|um+|er+|hmm+|sorry),? )?"
    r"(?:no,? wait|wait,? no|wait|oops|(?:scratch|scrap|strike|ignore|cancel|forget) that|no,? no"
    r"|on second thoughts?|change of plans?|hang on|hold on"
    r"|(?:oops|oh|ah|h+m+|er+|um+|ugh|argh|sorry),? (?:no|nope|nah)"
    r"|no,? (?:sorry|actually|make (?:it|that)|rather)|sorry,? no|actually,? no"
    r"|(?:no,? |sorry,? |oops,? )(?:i )?meant?|i meant?(?: to say)?"
    r"|nvm|never ?mind)"
)
#: A word of correction alone between two days: "Thursday sorry Tuesday", "Tuesday. No. Thursday."
_SORRY = r"(?:sorry|correction|i mean|er+ no|no|nope|nah|wait|actually|rather)"
_REFUSES = re.compile(
    r"\b(?:not?|never|nothing|isn'?t|aren'?t|can'?t|cannot|won'?t|don'?t|doesn'?t|couldn'?t|unable"
    r"|except|bar|but|busy|away|out|instead of|rather than|either|neither|nor|or)\b"
)


def _last_of_two(m: re.Match[str]) -> str:
    """The day after a word of correction, unless the first one is refused by what is before it.

    Of "can't do Monday, sorry, Tuesday?" both are needed, and of "Tuesday, actually Thursday too".
    """
    sentence = re.split(r"[.?!]", m.string[: m.start()])[-1]
    if _REFUSES.search(sentence):
        return m[0]
    return ""


#: What was said first, before a "but" that brings another day or time.
_SAID_FIRST = (
    r"i(?: had|'d)? (?:first |originally |just )?"
    r"(?:said|was (?:going|gonna) (?:to )?(?:say|ask for)"
    r"|asked for|meant to say|was thinking(?: of)?|wanted|was hoping for)"
)
_INSTEAD = (
    r"(?:make it|make that|let'?s (?:do|say|go (?:with|for)|make it)|go (?:with|for)|how about"
    r"|what about|(?:can|could) (?:we|i|you) (?:do|make it|have|say)|i'?ll (?:take|have|go (?:with"
    r"|for))|i'?d (?:rather|prefer)|so(?: maybe| then)?)"
)

RULES: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (re.compile(pattern), right)
    for pattern, right in (
        # "The second one, no, the third"
        (
            rf"\bthe {_NTH}(?: one)?[,.?! -]+(?:{_NO}|no|nope|nah|sorry)[,.?! ]+(?=the {_NTH}\b)",
            "",
        ),
        # "Fri 4th, actually no, Sat": the date is the Friday's
        (
            rf"\b(?:{DAY})\b,? (?:the )?\d{{1,2}}(?:st|nd|rd|th)\b[,.?! -]+{_NO}[,.! ]+"
            rf"(?:{_INSTEAD} )?(?={_ON}(?:{DAY})\b)",
            "",
        ),
        # "Eleven, not half past ten"
        (
            rf"\b(?P<meant>{_CLOCK}),? (?:and )?not (?:at )?{_CLOCK}"
            r"(?=[,.?!]| ?$| (?:and|please|pls)\b)",
            r"at \g<meant>",
        ),
        # "Mon... actually any day is fine"
        (
            rf"\b(?:{DAY})\b[^.?!]{{0,12}}?[,.?! -]+(?:{_NO}|actually|well|tbh)[, ]+"
            r"(?=(?:any|every) ?(?:day|time)\b|whenever\b)",
            "",
        ),
        # With a time of its own the second day takes nothing over from the first.
        (
            rf"\b(?:not )?(?:{DAY})\b[^.?!]{{0,25}}?[,.?! -]+{_NO}[, ]+(?:{_INSTEAD} )?"
            rf"(?={_ON}(?:{DAY})\b[^.?!]{{0,12}}?(?:\d|morn|aft|arvo|eve|noon))",
            "",
        ),
        (
            rf"\b(?:not )?(?:{DAY})\b([^.?!]{{0,25}}?)[,.?! -]+{_NO}[, ]+"
            rf"(?:{_INSTEAD} )?(?={_ON}(?:{DAY})\b)",
            r"\1 ",
        ),
        (
            rf"\b(?:{DAY})\b[,.?! -]+{_SORRY}[,.?! -]+(?={_ON}(?:{DAY})\b"
            r"(?![^.?!]*\b(?:too|also|as well|either|is (?:no|not|bad|out)|isn'?t|won'?t|doesn'?t"
            r"|can'?t)\b))",
            _last_of_two,
        ),
        # "Wednesday... wait, that's my son's recital, let's do Thursday"
        (
            rf"\b(?:{DAY})\b[^.?!]{{0,12}}?[,.?! -]+(?:{_NO}|actually|ugh|shoot|argh|damn|crap|hmm+"
            r"|ah|oh)[,.! ]+(?:no[,.! ]+)?(?:that'?s|thats|it'?s|its|i'?ve|i have|i'?m|we|my|the"
            r"|got|there'?s|kids?'?s?|mum'?s?|mom'?s?|dad'?s?|school|work|hubby'?s?|dentist|doctor)"
            rf"\b[^?!]{{3,60}}?[,.;! ]+(?:{_INSTEAD} (?={_ON}(?:{DAY})\b)"
            rf"|(?={_ON}(?:{DAY})\b[^.?!]{{0,15}}? instead\b))",
            "",
        ),
        # "Fri 10, no wait, 11"
        (
            rf"(?<![\d/:.]){_TIME}[,.?! -]+"
            r"(?:h+m+|er+|um+|uh|ah|oh|ooh|sorry|actually|well)?[,. ]*(?:make (?:it|that)|"
            rf"{_NO}|sorry|actually|rather|i mean)[, ]+"
            rf"(?:at |make (?:it|that) |do |can we (?:do|say|make it) |let'?s (?:do|say) )*"
            rf"(?={_TIME}(?: ?$| ?[.,?!]| (?:please|pls|instead|would|is|on|then)\b))",
            "at ",
        ),
        # "I was going to say Saturday, but let's go with Monday"
        (
            rf"\b{_SAID_FIRST} [^.?!]{{3,40}}?,? but\b(?![^.?!]*\b(?:too|also|as well)\b)"
            rf"(?:[^.?!]{{0,60}}?\b{_INSTEAD} | (?:now |actually |maybe |then )*)"
            rf"(?={_ON}(?:{DAY})\b)",
            "",
        ),
        # "I said 5 but make it 3"
        (
            rf"\b{_SAID_FIRST} (?:at )?{_TIME},? but\b[^.?!]{{0,60}}?\b{_INSTEAD}"
            rf" (?=(?:at )?{_TIME}(?: ?$| ?[.,?!]| instead\b))",
            "at ",
        ),
        # "I said Wednesday at 10 but it's my sister's flight, so make it 3"
        (
            rf"\b{_SAID_FIRST} (?P<day>{_ON}(?:{DAY}))\b[^.?!]{{0,25}}?,? but\b"
            rf"[^.?!]{{0,60}}?\b{_INSTEAD} (?=(?:at )?{_TIME}(?: ?$| ?[.,?!]| instead\b))",
            r"\g<day> at ",
        ),
    )
]
