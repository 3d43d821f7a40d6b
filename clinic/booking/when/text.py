"""What a patient typed, as a row of plain words the grammar can read.

:func:`canonical` lowers and unaccents the text, turns French and shorthand into the grammar's
words, forgives typing errors, writes numbers as digits, and takes out figures that are no times:
phone numbers, prices, ages, lengths of an appointment, scores.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from rapidfuzz.distance import OSA

from clinic.booking.when import sentences, taken_back
from clinic.contacts import without_spoken_phones

#: Longer texts are cut here; nobody needs more to say when they want to come.
LONGEST = 600
#: Stands where something was taken out. No pattern of the grammar matches it.
GAP = "_"
MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_HERE = Path(__file__).parent


@lru_cache(maxsize=1)
def _vocabulary() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((_HERE / "vocabulary.yml").read_text(encoding="utf-8"))
    loaded["shorthand"] = {
        typed: word for word, variants in loaded["words"].items() for typed in variants
    }
    known = set(loaded["words"]) | set(loaded["shorthand"])
    loaded["talk"] = [
        word
        for word in (_HERE / "talk.txt").read_text(encoding="utf-8").split("\n")
        if word and not word.startswith("#")
    ]
    loaded["not_fuzzy"] = set(loaded["not_fuzzy"]) | known
    return loaded


@lru_cache(maxsize=8)
def word_set(name: str) -> frozenset[str]:
    """A list of words of ``vocabulary.yml``, or "talk" of ``talk.txt``."""
    return frozenset(_vocabulary()[name])


@lru_cache(maxsize=1)
def _french() -> tuple[re.Pattern[str], list[tuple[re.Pattern[str], str]]]:
    loaded = yaml.safe_load((_HERE / "french.yml").read_text(encoding="utf-8"))
    signs = re.compile(rf"(?<!\w)(?:{'|'.join(loaded['signs'])})(?!\w)")
    rules = [
        (re.compile(rf"(?<![\w'-])(?:{left}){_right_edge(left)}"), right)
        for left, right in loaded["as_english"]
    ]
    return signs, rules


def _right_edge(left: str) -> str:
    """A rule that ends in a space or says itself what follows needs no edge of its own."""
    return (
        ""
        if left.endswith(" ") or re.search(r"\(\?=[^()]*(?:\([^()]*\))*\)$", left)
        else r"(?![\w-])"
    )


# Taken out of the text as typed, before words are looked at.
_NOT_WORDS = [
    re.compile(pattern)
    for pattern in (
        r"https?://\S+|www\.\S+",
        r"\S+@\S+\.\S+",
        # phone numbers: 604-555-0142, (604) 555 0142, +1 604.555.0142, 6045550142, 555-0142
        r"(?<![\d/-])(?:\+?1[-. ]?)?\(?\d{3}\)?[-. ]?\d{3}[-. ]\d{4}(?![\d/-])",
        r"(?<![\d/-])\d{3}[-. ]\d{4}(?![\d/-])",
        r"\+?\d{9,}",
        # references: "ref AB-1234"
        r"\bref(?:erence)?\b(?:[:#. ]|\b(?:is|number|num|no|nr|code)\b)*(?=[a-z-]*\d)"
        r"[a-z0-9]+(?:-[a-z0-9]+)*\b(?<=[\w-]{4})(?<!\d[ap]m)",
        # prices
        r"\$ ?\d+(?:[.,]\d+)?",
        r"\d+(?:[.,]\d+)? ?(?:\$|dollars?\b|bucks\b|cad\b|cents?\b|%|percent\b|euros?\b)",
        # addresses, postal codes, vertebrae
        r"\b\d+ [a-z]+ (?:street|st|avenue|ave|road|rd|lane|blvd|drive|crescent|court)\b",
        r"\b[a-z]\d[a-z] ?\d[a-z]\d\b",
        r"\b[lcts]\d{1,2}(?: ?[-/] ?[lcts]?\d{1,2})?\b(?!:)",
        # scores of pain, heights, round the clock
        r"\bsun life\b|\bsat ?nav\w*|\b\d{1,2} ?out of ?(?:10|ten)\b|\b24 ?/ ?7\b",
        r"\b(?:one|two|three|four|five|six|seven|eight|nine|ten) out of (?:10|ten)\b",
        r"(?:pain|aches?|hurts?|hurting|level|scale|severity)\b[^.,;]{0,20}?\b\d{1,2} ?/ ?10\b",
        r"\b\d{1,2} ?/ ?10 (?:pain|on the|for pain)\b",
        r"\b\d'\d{1,2}\"?",
    )
]

_DAY = taken_back.DAY
_MONTH = (
    r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_WORDINGS = [
    (re.compile(pattern), right)
    for pattern, right in (
        (r"\brite now\b", "right now"),
        # "Monday, November 30 to Saturday, December 5", as a stretch of days is read back.
        (
            rf"\b(?P<first>{_DAY}), (?P<from>(?:{_MONTH})\.? \d{{1,2}}(?:st|nd|rd|th)?),?"
            rf" (?P<to>to|through|thru|till?|until|-) (?P<last>{_DAY}), (?=(?:{_MONTH})\.? \d)",
            r"\g<first> \g<from> \g<to> \g<last> ",
        ),
        # "Wednesday, January 20, Thursday, January 21 or Friday, January 22", as days are read back
        (
            rf"\b({_DAY}), ((?:{_MONTH}) \d{{1,2}}), (?=(?:{_DAY}), (?:{_MONTH}) \d)",
            r"\1 \2 or ",
        ),
        # "Before I pick the kids up at 3"
        (
            r"\b(before|after|until|till?) (?:i|we|s?he|they)(?:'(?:m|ve|re))? [a-z' ]{3,40}? at"
            r" (?=\d|noon|half|quarter)",
            r"\1 ",
        ),
        # "I'm back, Thursday at 5": at the chat again
        (r"\b(?:ok(?:ay)?,? |hi,? |hey,? )?i'?m back(?: now| again)?(?= ?[,.!;])", " "),
        # The length, at the end: "Thursday before 3, hour"
        (
            r"[,;] ?(?:an? |one |1 |half an? )?(?:hour|hr)(?: (?:please|pls|long))?(?= ?[.!]? ?$)",
            " ",
        ),
        # Why it has to be after a day that was told.
        (
            r"\b(?:'?cos|coz|cuz|'?cause|because|as|since) (?:i'?m|i am|we'?re|we are) (?:away|out"
            r"|gone|off|abroad|busy|travell?ing|on (?:holiday|vacation|leave))(?: \w+){0,3}?"
            r" (?:til|till|until) then\b",
            " ",
        ),
        (r"\b(?:slide|swing|pop|roll|drop|come|pass) (?:thru|through)\b", "come"),
        (r"(?<![:\d])\b(\d|1[0-2]) (?:some?th?in?g|sumthin\w*|smth)\b", r"\1 ish"),
        (r"\bwhenever (?=(?:after|before|between|from)\b)", " "),
        # "Is 730 not free?" asks for it.
        (
            r"\b(?:is|isn'?t) (\d|1[0-2])[:.]?([0-5][05])( ?[ap]m)? (?:(?:not|still|really|already)"
            r" )*(?:free|available|open|possible|taken|gone|an option)\b",
            r"at \1:\2\3",
        ),
        # When to call is not when to come.
        (
            r"\b(?:ring|call|phone|text|e?-?mail|message)(?: (?:me|us))?(?: back)?"
            rf"(?: (?:on |this )?(?:{_DAY}|tonight)\b| (?:at|after|before|around) \d{{1,2}}"
            r"(?::\d\d)?(?: ?[ap]m)?\b| in the (?:morning|afternoon|evening))+",
            " ",
        ),
        # "The first Saturday you have"
        (
            rf"\b(?:the |your )?first ({_DAY}) (?:you (?:have|can|got)|available|free|possible)",
            r"\1",
        ),
        # Which week is not said in this text: asked, with the days.
        (r"\b(?:that|the same) week\b", "thatweek"),
        # "The Monday 1", "the 330 1": that one, and not at 1
        (
            rf"\bthe ({_DAY}|1?\d[:.]?[0-5]\d(?: ?[ap]m)?|1?\d ?[ap]m) 1"
            r"(?=(?: (?:pls|plz|please|then|thx|thanks))*\W*$)",
            r"the \1 one",
        ),
        # "Even later, after 4"
        (
            r"\b(?:(?:even|much|way|bit|little) )*(?:later|earlier)(?:,| like| say| as in| so)*"
            r" (?=(?:after|before|from|past|between) (?:\d|noon|half))",
            " ",
        ),
        # "Oh, it's Sunday. Monday then": the first is no wish
        (
            rf"\b(?:(?:oh|ah|ye|yeah|yes|right|true|of course|ofc|sorry|oops),? )+"
            rf"(?:it'?s|that'?s|thats|that is|it is) (?:a )?(?:{_DAY})(?: (?:lol|haha|isn'?t it"
            r"|innit|of course|duh|sorry|then))*(?= ?[.,!;])",
            " ",
        ),
        # "Monday then. Actually, can it be 530"
        (
            rf"\b({_DAY})(?: then)?[.,!;]+ (?:(?:actually|actualy|wait|oh|hm+|and|maybe|but|could"
            r"|can|make|let'?s|would),? )+(?:it|that|we|you|i|u)"
            r"(?: (?:be|do|make it|come|say|have))*(?: at)? (?=\d)",
            r"\1 at ",
        ),
        # "It doesn't say Tuesday the 8th"
        (r"\b(?:it|that|this) (?:doesn'?t|does not|dont|didn'?t) (?:say|show|mention)\b", " "),
        # "Only Saturday, he have school": why it has to be that day
        (
            rf"\bonly (?:on )?({_DAY})[,;]? (?:because |as |since |he's |she's )?"
            r"(?:(?:he|she|they|i|we) (?:have|has|got|go|goes|is|are|am|work|works) )?"
            r"(?:(?:got|to|at|in|the) )*(?:school|work|classes|class|uni|college)\b",
            r"only \1 ",
        ),
        # "No, only the Tuesday"
        (r"^\W*(?:no|nope|nah)[,.! ]+(?=(?:only|just) )", " "),
        # "9 for me, 10 for my husband": the first is booked first
        (
            r"(?<![\d:/-])(?:at )?(1?\d(?:[:.]?[0-5]\d)?(?: ?[ap]m)?) for (me|myself)\b,?"
            r"(?: and| n| &| then| plus)*,? (?:at )?1?\d(?:[:.]?[0-5]\d)?(?: ?[ap]m)? for"
            r" (?:my |the |our |her|him|his )?\w*",
            r" at \1 for \2 ",
        ),
        # "Next week but only Mon or Thurs"
        (
            r",? but (?:only|just|ideally|preferably|it has to be|has to be|must be) (?!not\b)",
            " , ",
        ),
        # "Earliest on Saturday": that day, and not from it on
        (
            r"(?<![\dm] )\b(?:the |your )?earliest(?: (?:time|slot|appointment|appt|spot|one"
            r"|opening|you (?:have|got)))* (?=(?:on|for) )",
            "",
        ),
        (r"\b(mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun|tomorrow|today|tonight)'s\b", r"\1 is"),
        # "I'm only about on the 23rd", "I'm around next week"
        (
            r"\b(i'?m|i am|we'?re|we are|i'?ll be|she'?s|he'?s)( only| just| mostly)?"
            r" (?:about|around) (?=(?:on|all|this|next|from|after|before|until|till|til|most|every"
            rf"|in the|{_DAY})\b"
            r"|mornings?\b|afternoons?\b|evenings?\b|weekdays?\b|weekends?\b)",
            r"\1\2 free ",
        ),
        # "Pop in a week on Wednesday" is not "in a week".
        (
            r"\b(pop|come|get|fit|squeeze|drop|nip|swing|book|slot|be|me|us|stop) in"
            rf" (?=an? (?:week|wk|fortnight) (?:on|from|{_DAY})\b)",
            r"\1 ",
        ),
        (r"\b(?:st\.?|saint) pat(?:rick|ty|t)?'?s\b(?: day)?", "st patrick's day"),
        # The shops are busy, and not the patient.
        (r"\b(?:gets?|getting|too) (?:too |really |so )?busy\b", "crowded"),
        # What would have suited is asked for, and is over.
        (r"\b(would|could|should|'d)(?: ?have|'?ve| of)\b(?! to\b)", r"\1 wouldve"),
        (r"\bwould have had to be\b", "wouldve been"),
        # Shift workers: "a nurse coming off nights", "I'm on nights until Sunday".
        (r"\b(?:coming |getting |just )?off (?:nights|days|lates|earlies)\b", "off shift"),
        (
            r"\b(?:i'?m |i am |she'?s |he'?s |we'?re )?(?:on|working|doing)"
            r" (?:nights|lates|earlies)\b",
            "busy",
        ),
        # "Before four, as we're hosting that night"
        (
            r"\b(?:as|cos|coz|cuz|'?cause|bc|b/c|since) (?=(?:i|we|my|the|he|she|they|it)\b"
            r"(?! (?:can|could|would|will)))(?=[^,.?!]*\b(?:"
            rf"that (?:morning|afternoon|evening|night|day)|{_DAY})\b)",
            "because ",
        ),
        (r"\b(?:cos|coz|cuz|b/c)\b", "because"),
        (r"(?<=because )([^,.?!]*?)\bthat (?:morning|afternoon|evening|night|day)\b", r"\1"),
        # "All day on Friday" is not a day after Friday.
        (rf"\ball day (?=(?:on |the |this |next )*(?:{_DAY})\b|on\b)", "any time "),
        (rf"\b({_DAY}) all day\b(?! long)", r"\1 any time"),
        # "Can't do any day but Wednesday", "nothing but Wednesday works"
        (
            r"\b(?:can'?t|cannot|can not|couldn'?t|unable to|don'?t have|haven'?t got|no"
            r"|(?:won'?t be|not|i'?m not) (?:able to|free|available))\b"
            r"[^,.?!]{0,20}?\b(?:any|anything|any ?time|other|another)\b"
            r"[^,.?!]{0,12}? (?:but|except|other than|apart from|besides|bar|than)(?: for| on)? "
            r"|\bnothing (?:but|except|other than|apart from)(?: for| on)? ",
            "only ",
        ),
        # "Is there nothing today", "you got nothing on Friday?" ask for that day.
        (
            r"\b(?:(?:is|are|was|were)(?: there| it)?|there(?:'s| ?is| are)?"
            r"|(?:you|u|ya|they|she|we)"
            r"(?:'ve| have| hav| got| do(?:n'?t)? have)?(?: got)?|have|got|absolutely|really|still"
            r"|literally)(?: (?:really|still|seriously|absolutely|literally))* "
            r"(?:nothing|nothin|nuthin\w*|nada|none|no (?:times?|slots?|spots?|openings?"
            r"|appointments?|appts?|space|room|availability))"
            r"(?: (?:at all|else|free|available|open|left|more))*"
            rf"(?P<day> (?:(?:for|on|this|later|the|next) )*(?:{_DAY}|tonight|tmrw|tmr|week)\b)"
            r"(?! (?:that )?(?:works?|suits?|fits?|is|i|will)\b)",
            r"anything\g<day>",
        ),
        (r"\b(?:isn'?t|aren'?t) there (?=any\w*\b)", ""),
        # "So there is today. 6 please": one time, and not two
        (
            rf"\b({_DAY})[.!;]+ (1?\d(?:[:.]?[0-5]\d)?)(?= (?:pls|plz|please|then|works|ok)\W*$)",
            r"\1 at \2",
        ),
        (rf"\b(?:omg|so|oh|wait|wow|ah)\b[^.?!,]{{0,12}}\bthere is (?={_DAY})", ""),
        (
            rf"^\W*(?:(?:so|oh|ok(?:ay)?|what|wait|really|hm+|seriously|wow|damn|but|and)\W+)*"
            rf"(?:nothing|nothin|nuthin\w*|nada|none)(?: (?:at all|free|available|open|left))*"
            rf"( (?:(?:for|on|this|later|the|next) )*(?:{_DAY}|tonight|tmrw|tmr|week)\b[^?]*\?)",
            r"anything\1",
        ),
        # "Monday's fine", "Mondays a holiday": one Monday, and not every one
        (
            r"\b(mon|tues|wednes|thurs|fri|satur|sun)day(?:'s (?=(?:an?|my|the|not|when) )|s "
            r"(?=(?:an? |my )?(?:stat |bank |civic )?(?:holiday|day off|no go|write-?off)\b))",
            r"\1day is ",
        ),
        (
            r"\b(mon|tues|wednes|thurs|fri|satur|sun)day's"
            r" (?=(?:fine|good|ok|okay|great|perfect|best|better|ideal|free|easier|easiest|out|bad"
            r"|clear|empty|open|wide|possible|packed|hopeless|crazy|mad|nuts|hectic|impossible|jammed"
            r"|busy|no|taken|full|booked|off)\b)",
            r"\1day is ",
        ),
        # whether it is a first visit
        (
            r"\b(?:i'?ve |have )?been (?:here |there |in )?(?:b4|before)\b(?= *(?:$|[,.;!?]))",
            " ",
        ),
        # "Not first time", "isn't my first visit", "not new here" are no day and turn none round
        (
            r"\b(?:(?:it'?s|i'?m|i am|this is|that'?s|s?he'?s|we'?re|this|it) )?"
            r"(?:not|isn'?t|wasn'?t|won'?t be|is not)"
            r"(?: (?:for|at|my|the|an?|his|her|their|our)){0,2}"
            r" (?:(?:very )?(?:first|1st|frist|firt|furst)(?:[- ]ever)?[- ]?"
            r"(?:times?|timers?|visits?|app(?:ointmen)?ts?|massage|session)"
            r"|(?:brand )?(?:new|nwe)\b(?! year))\b"
            r"(?: (?:here|there|(?:patient|client|customer)s?|(?:to|with|at) (?:you|u|her|this|the)"
            r"(?: (?:clinic|place))?))*",
            " , ",
        ),
        (
            r"\bin (?:about|around|roughly|like|approx) (?=(?:a|an|\d+|two|three|four|six) )",
            "in ",
        ),
        # As it is texted: "works 4 me", "earliest u got", "9 n 12", "would b great if poss".
        (r"\b4 (?=(?:me|us|u|you)\b)", "for "),
        (r"\b2 (?=(?:b|be|do|get|come|see|go|fit)\b)", "to "),
        (r"\bu\b", "you"),
        (r"(?<=\w) n (?=\w)", " and "),
        (
            r"\b(would|will|should|could|can|to|must|not|gotta|cud|wud|may|might|it'?ll) b\b",
            r"\1 be",
        ),
        (r"\bposs\b", "possible"),
        (r"\brn\b", "right now"),
        # "Do you have an opening" is not about when the clinic opens.
        (r"\b(an|any|some|other|more|free) openings?\b", r"\1 slot"),
        (r"\babt\b", "about"),
        # "Too early" asks for later, and names no time.
        (r"(?<!not )\btoo (?:early|late|soon|far)\b", " "),
        # Two who come "at the same time, Saturday 10 am".
        (r"\b(?:at )?the same time(?= .{0,40}\d)", " "),
        (r"\b(?:both|together)(?: of us)?,? (?:at )?(?:the )?same time\b", " "),
        (
            r"\bthe latest(?: (?:one|time|slot|appointment|you (?:have|got)))? (?=on|for|this)"
            r"|\b(?:the |your |ur )?(?:very )?latest (?:(?:one|time|slot|appointment|appt|opening"
            r"|spot|session|(?:that )?(?:you|u) (?:have|got|can (?:do|see me|fit me in|take me)))"
            r"(?: |$))+(?=(?:on|for|this|today|tonight|tomorrow|tmrw|next|the"
            rf"|{_DAY})\b)",
            "last appointment ",
        ),
        # "No, Friday was right" takes a correction back.
        (
            r"^\W*no+\b[,.! ]*(?=[^,.;?]{3,25}\b(?:was|is|were|are|'s) (?:right|fine|good|ok|okay"
            r"|better|great|perfect|best)\b)",
            "",
        ),
        # "Book 60 Dec 7": minutes before a date.
        (rf"\b(?:45|60|75|90)(?= (?:{_MONTH}) \d)", " "),
        (
            r"\b(wait|actually|sorry|i meant?|rather|so) (1?\d|2[0-3])(?= ?(?:$|[?.!,]|pl[sz]\b))",
            r"\1 at \2",
        ),
        # "No, make it 2 pm" turns down what was offered, and not 2 pm.
        (
            r"^\W*(?:no+|nope|nah)\b[,.! ]*(?=(?:wait|make|sorry|actually|let'?s|can|could|how|what"
            r"|rather|change|move|do|say|maybe|try|i)\b)",
            "",
        ),
        (
            r"\b((?:can|could) (?:you|u|ya|we|i) (?:do|make)|let'?s (?:do|say)|make it)"
            r" (1?\d|2[0-3])(?= ?(?:$|[?.!,]|instead\b|pl[sz]|please))",
            r"\1 at \2",
        ),
        (
            r"(\d|[ap]m|clock|noon|arvo|aft|afternoon|morning|morn|evening|eve|week|wk"
            r"|lunch|lunchtime|[a-z]+day|tomorrow)[- ]?ish\b",
            r"\1 ish",
        ),
        (r"\b(any|every|some|most|in the|this) eves?\b", r"\1 evening"),
        (r"\beves\b", "evenings"),
        (r"\bn\.?y\.?e\b|\bnew y(?:ea)?r'?s'? eve\b", "new year's eve"),
        (r"\bn\.?y\.?d\b|\bnew y(?:ea)?r'?s'? day\b", "new year's day"),
        (r"(\d|[ap]m) ish (?=(?:to|-|until|till|til|and) )", r"\1 "),
        # "3 on Monday, or 4 if not"
        (r"\bif not(?= ?(?:$|[.?!]))", " "),
        (r"\bbright and early\b", "early"),
        (r"\b([ap])\. ?m\b\.?", r"\1m"),
        (r"\bo ?'? ?clocks?\b", "oclock"),
        (
            r"\bmon (?=(?:medecin|docteur|mari|dos|pere|fils|nerf|mal|bras|pied|genou|ami|amie)\b)",
            "my ",
        ),
        (r"\bb4\b", "before"),
        (r"\b1/2 ?(?:an )?h(?:ou)?rs?\b", "half an hour"),
        (r"\b(quarter|half|\d+|five|ten|twenty) (to|past|before|after) noon\b", r"\1 \2 12"),
        (
            r"\b(at|around|by|before|after) (\d{1,2}) ([0-5][05])(?= |$)(?! ?(?:min|hour|hr|day))"
            rf"(?! (?:of )?(?:{_MONTH})\b)",
            r"\1 \2:\3",
        ),
        (
            r"(?<![\d:/.-])(?<!\d )\b(\d|1[0-2]) (00|15|30|45)(?= |$|[,.?!])"
            r"(?!,? ?(?:-|to |or )? ?(?:min|hour|hr|day|massage|session|appointment|slot|one|\d))"
            rf"(?! (?:of )?(?:{_MONTH})\b)",
            r"\1:\2",
        ),
        # 530 alone answers when; 2027 is a year.
        (r"^(?!19|20)(\d|1\d|2[0-3])([0-5][05])[.?!]?$", r"\1:\2"),
        (r"\bb/w\b", "between"),
        (r"\bne ?(time|day|thing|arvo|aft|morning|afternoon|eve|evening|night)\b", r"any \1"),
        (
            r"\bnot this (week|month|weekend|wk|wknd) ?,? ?(?:but )?(?:the )?next"
            r"(?: one\b|(?= ?[,.?!]| ?$))",
            r"not this \1 but next \1",
        ),
        (
            r"\bnot this (week|wk|weekend|wknd) ?,? ?(?:but )?(?:the )?(?:same )?"
            r"(?:week|wk|weekend|wknd|one) after(?: that)?",
            r"not this \1 but next \1",
        ),
        (r"\be\.?o\.?m\b", "end of the month"),
        (r"\be\.?o\.?w\b", "end of the week"),
        # "Can't do tues. wed eve": a full stop, and not an abbreviation's
        (
            r"\b(mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun)\."
            rf"(?= +(?:on |the |this |next )*(?:{_DAY})\b)",
            r"\1 . ",
        ),
        (
            r"\b(jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|mon|tues?|weds?|thu(?:rs?)?|fri"
            r"|sat|sun"
            r"|appt|approx|min|hrs?)\.(?!\d)",
            r"\1 ",
        ),
        (r"\ba\.?s\.?a\.?p\b\.?", "asap"),
        (r"\b(i|we|you|they|she|he|have|has|been|had|was|just) sat\b", r"\1 seated"),
        (r"\bw/e\b", "weekend"),
        (r"\bw/c\b", "week commencing"),
        (r"\b(mon|tues?|weds?|thu(?:rs?)?|fri|sat|sun)day'?s\b", r"\1days"),
        # 3pm, 3:30pm, 330pm, 3p
        (r"\b(\d{1,2})[:.h]?([0-5]\d)(?: ?([ap])m|([ap]))\b", r"\1:\2 \3\4m"),
        (r"\b(\d{1,2})(?: ?([ap])m|([ap]))(?=[\s,.;?!)-]|$)", r"\1 \2\3m"),
        # 15h30, 3.30, 1530 hrs, at 1530
        (r"\b(\d{1,2}) ?h ?([0-5]\d)\b", r"\1:\2"),
        (r"\b(\d{1,2}) ?h\b", r"\1:00h"),
        (r"(?<![\d.])([01]?\d|2[0-3])\.([0-5][05])(?![\d.])", r"\1:\2"),
        (r"\b([01]\d|2[0-3])([0-5]\d) ?(?:hrs?|hours|h)\b", r"\1:\2"),
        (
            r"\b(at|by|before|after|until|till|til|around|from|between|and|to|-) ?"
            # "From 2015" is a year, "at 2015" a clock time.
            r"(?!(?<!at )(?<!@)(?:19|20)\d\d\b)(\d|1\d|2[0-3])([0-5][05])\b"
            r"(?! ?(?:min|hours?\b|hrs?\b|days?\b|weeks?\b|/|-\d))",
            r"\1 \2:\3",
        ),
        # 2026-12-03, 2026/12/03, 03.12.2026, 3.12.
        (r"\b(20\d\d)[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)", r"iso/\1/\2/\3"),
        (r"\b(iso/[\d/]+)t(?=\d)", r"\1 "),
        (r"\b(\d{1,2})-(\d{1,2})-((?:20)?\d\d)\b", r"\1/\2/\3"),
        (r"(?<![\d:])(\d{1,2})-(0\d)\b(?!:)", r"\1/\2"),
        (r"\b(\d{1,2})\.(\d{1,2})\.((?:20)\d\d|\d\d)?(?!\d)", r"dmy/\1/\2/\3"),
        # 6.8 alone or led to is a date; among other words it is a figure.
        (
            r"(^|\b(?:on|the|le|am|by|until|from|after|before|for|day) )(\d{1,2})\.(\d{1,2})\b",
            r"\1dmy/\2/\3/",
        ),
        (r"(\d)(st|nd|rd|th)-", r"\1\2 - "),
        (rf"\b({_DAY})-({_DAY})-({_DAY})\b", r"\1 , \2 , \3"),
        (rf"\b({_DAY})-(?=[a-z])", r"\1 - "),
        (rf"\b({_DAY}|am|pm|morning|afternoon|evening)/(?=[a-z])", r"\1 or "),
        (rf"\b({_MONTH}|{_DAY})[-.]?(\d{{1,2}})\b", r"\1 \2"),
        (rf"\b(\d{{1,2}})[-.]?({_MONTH})\b", r"\1 \2"),
        (
            r"\b(one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)-?ish\b",
            r"\1 ish",
        ),
        (r"\b(mid|early|late|half|quarter)-", r"\1 "),
        (r"\b(twenty|thirty|forty|fifty)-", r"\1 "),
        (r"\bafter-?noon", "afternoon"),
        (r"\bafter ?noons\b", "afternoons"),
        (r"\bmid-?day\b", "noon"),
        (r"\bweek[- ]end", "weekend"),
        (r"\bweek[- ]day", "weekday"),
        (r"\bweek[- ]?nights?\b", "weeknights"),
        (r"\blunch time\b", "lunchtime"),
        (r"\bto[- ](morrow|day|night)\b", r"to\1"),
        (r"\bn't\b", "n't"),
    )
]
_BEFORE_WORDS = [*taken_back.RULES, *sentences.RULES, *_WORDINGS]

_TOKEN = re.compile(
    r"(?:iso|dmy)/[\d/]+|\d{1,2}:\d{2}h|\d{1,2}:\d{2}|\d{1,2}/\d{1,2}(?:/\d{2,4})?"
    r"|\d+(?:st|nd|rd|th|er|e)\b|[a-z]+(?:['-][a-z]+)*'?|\d*[a-z]+\d*|\d+|[-,.;!?+&/@~_]"
)

_HOUR_BEFORE = {
    "at", "by", "past", "to", "around", "before", "after", "until", "half", "from", "between", "@",
    "about",
}  # fmt: skip
_UNIT_AFTER = {"oclock", "pm", "am", "week", "weeks", "day", "month", "hour", "thirty", "fifteen"}
#: What "first", "second" and "third" count when they say when.
_FIRST_WHAT = {
    "of", "thing", "week", "weekend", "weekends", "half", "part", "day", "available", "free",
    "open", "possible", "appointment", "slot", "spot", "opening", "availability", "cancellation",
    "in",
}  # fmt: skip
_TO_A_DATE = {"the", "on", "by", "before", "after", "until", "or", "and", "every", "each"}
_AFTER_A_DATE = {
    "", "at", "or", "and", "to", "until", "after", "before", "if", "for", "please", "works", "is",
    "would", "around", "between", "from", "but", "morning", "afternoon", "evening", "early",
    "late", "suits", "thanks", "ok", "then", "on", "maybe", "instead",
}  # fmt: skip
_MINUTES = {5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55}

_UNITS = r"(?:days?|weeks?|months?|years?|yrs?)"
_N = r"(?:\d+|an?|half an?|couple(?: of)?|few|several|many)"
_BOOKED = (
    r"(?:massages?|sessions?|appointments?|appt|treatments?|slots?|bookings?|visits?|ones?|long"
    r"|kids?|children|child|people|persons?|patients?|of us|times?|questions?|spots?|therapists?"
    r"|dogs?|cats?|sons?|daughters?|boys?|girls?|weeks? pregnant|months? pregnant|x)"
)

# Taken out of the words: lengths, ages, counts, how long it has hurt.
_NOT_TIMES = [
    re.compile(rf"(?<![\w:/])(?:{pattern})(?![\w:/])")
    for pattern in (
        rf"\d+ {_UNITS} (?:old|of age|young)|\d+ (?:yo|y/o|yr old)|\d+ - ?(?:year|yr"
        r"|month) ?-? old",
        r"(?:for|lasts|lasted|lasting|been|had it|over|about|almost|nearly) (?:the (?:past"
        rf"|last) )?{_N}"
        rf"(?: (?:or|to|-) \d+)? {_UNITS}(?: now)?(?! (?:from|time|on|later|after|ago))",
        rf"(?:for|over|in|during) (?:the )?(?:past|last) {_N} (?:{_UNITS}|hours?|weeks?)",
        r"(?:i'?m|i am|im|aged?|age of|she'?s|he'?s|she is|he is|who'?s|who is|turning"
        r"|turned) \d{1,3}"
        r"(?= (?:,|\.|;|and|with|but|so)|$)",
        r"(?:daughter|son|mother|father|mom|dad|husband|wife|kid) (?:is|,) \d{1,2}(?= (?:,|\."
        r"|and)|$)",
        r"in (?:my|his|her|their) (?:early |mid |late )?\d0'?s",
        r"(?:for )?(?:(?:\d+ ?(?:-|or|to|/)|(?:30|45|60|75|90) ?and) ?)?"
        r"(?<!in )(?<!within )(?<!next )\d+ ?-? ?(?:min|mins|minutes?|minuets?)"
        r"(?! (?:to|past|after|before|from|of)\b)(?: " + _BOOKED + ")?",
        r"(?:for )?(?:an?|half an?|\d+(?: and a half)?) ?-? ?(?:hours?|hrs?|hr)(?: and a half)?"
        rf"(?: {_BOOKED}| notice| before| in advance| drive)",
        r"for (?:an?|half an?|\d+|\d+ 1/2) ?-? ?(?:hours?|hrs?|hr)(?: and a half)?",
        r"(?<!in )(?<!within )(?<!next )(?:\d+ |an? )?(?:half )?-? ?hour long",
        r"(?<!in )(?<!within )(?<!in an )(?<!within an )(?:an? )?hour and a half",
        r"(?<!in )(?<!within )(?<!next )(?<!every )(?:\d+|half an|1/2) ?-? ?(?:hours?|hrs?|hr)"
        r"(?! from now)",
        r"(?:once|twice|\d+ (?:times?|x)) (?:an?|per|every|each|this|in the last) (?:day|week"
        r"|month|year)",
        r"(?:my|the|a|our|his|her|for the) (?:\d+(?:st|nd|rd|th)) (?:time|visit|session|massage"
        r"|treatment"
        r"|one|child|pregnancy|trimester|baby)",
        r"\d+(?:st|nd|rd|th) (?:time|visit|session|massage|treatment|child|pregnancy|trimester"
        r"|floor"
        r"|avenue|ave|street|st)",
        r"\d+ (?:lbs?|kg|kgs|pounds?|km|miles?|blocks?|cm|mm|inch(?:es)?|feet|ft)",
        r"\d+ [a-z]+ (?:st|street|ave|avenue|road|rd|lane|blvd|drive|dr|way)",
        r"(?:unit|suite|apt|room|number|floor|extension|ext|code|policy|claim|ref|reference|id"
        r"|option|choice) \d+|1 (?:to|on|-) 1",
        r"(?:19|20)\d\d accident|(?:since|depuis|from|back in|in) (?:(?:early|late"
        r"|mid) )?(?:19[5-9]\d"
        r"|20[01]\d|202[0-5])",
        rf"(?<!in )(?<!within )(?<!next )\d+ (?:to|-|or) \d+ (?:{_BOOKED}|{_UNITS}|hours?)"
        r"(?! from now)",
        rf"(?:for |just |only )?\d+ {_BOOKED}",
        # a length for each of two
        r"(?:for )?(?:30|45|60|75|90|120)(?: (?:min|mins|minutes?))? (?:each|apiece|per person)",
        # a length alone: "tomorrow afternoon 60", "massage 45 on friday", "today 30"
        r"(?<=[a-z] )(?<!at )(?<!to )(?<!until )(?<!after )(?<!before )(?<!by )(?<!around )"
        r"(?:45|60|75|90|120)(?= (?:please|thanks|[.,!?])|$)",
        r"(?<=(?:massage|booking) )(?:30|45|60|75|90|120)"
        r"(?= (?:on|this|next|[a-z]*day|tomorrow|today|in|for)\b)",
        r"(?:(?<=morning )|(?<=afternoon )|(?<=evening )|(?<=tomorrow )|(?<=today )|(?<=\d[ap]m )"
        r"|(?<= pm )|(?<= am )|(?<=noon )|(?<=week ))(?:30)(?= (?:please|thanks|[.,!?])|$)",
        r"(?<=book )(?:30)(?= (?:on|this|next|[a-z]+day|tomorrow|today|asap)\b)",
        r"^(?:book |just |a |an |need |want )*(?:45|60|75|90|120)"
        r"(?= (?:on|this|next|[a-z]+day|tomorrow|today|asap)\b)",
        r"9 (?:to|-) 5 (?:job|work|worker|office job|schedule)",
        r"(?:not |i'?m not |am not )(?:sure|certain|urgent|a problem|fuss(?:y|ed)|picky"
        r"|bothered|choosy|particular|too bad|bad)",
        r"no (?:problem|prob|probs|worries|rush|thanks|thank you|hurry|idea|big deal|biggie|pain"
        r"|joke|kidding|stress|pressure|fuss|bother|drama|doubt)",
        # "if that's not too far off"
        r"(?:if )?(?:(?:that|it)(?:'s|s| is) not|(?:that|it) isn't|not) (?:too )?"
        r"(?:far(?: off| away| out| ahead)?|short notice|much (?:trouble|bother))",
        r"(?:and )?(?:nothing else|no other (?:days?|times?)|that's (?:all|it))",
        r"(?:just )?(?:a|1|one|per) second(?:s)?",
        r"(?:cancel\w*|fees?|policy|notice|reschedul\w*)\b[^.?!_]*? (?:within|under|less than)"
        r" \d+ hours?",
        r"(?:open|close[ds]?|closing) (?:for|at|during|over) lunch(?:time)?",
        r"pregnant[^.?!_]*? \d+ weeks?|\d+ weeks? (?:along|pregnant|postpartum)",
        r"so (?:that )?(?:i|we) can [^,.?!_]*? for \d{1,2}(?::\d\d)?(?: [ap]m)?",
        # "After 3:30 when I'm off shift"
        r"(?<=[\dm] )when (?:i'?m|i am|we'?re) (?:off|done|finished|free|out)"
        r"(?: (?:work|shift|school|of \w+))?",
        r"24 hours?(?: notice| a day)|the other day|the same day|these days|all day long|a good day"
        r"|have a (?:good|nice|great|lovely) (?:day|weekend|evening|week|night|one|afternoon"
        r"|morning)"
        r"|good (?:morning|afternoon|evening|day|night)|happy \w+",
    )
]

_MONTH_SIGN = re.compile(r"\d{1,2}(?:st|nd|rd|th)?$")


_SPELLED = re.compile(r"\d|[a-z]+(?:['-][a-z]+)*'?")
#: Said with small words alone: "at one", "before that", "I don't care when".
_SMALL_WORDS = re.compile(
    rf"\b(?:{'|'.join(sorted(word for word in _HOUR_BEFORE if word.isalpha()))}) one\b"
    r"|\b(?:before|by|after|following) (?:then|that)\b|\bone after\b|\bcare when\b|\bwhat ever\b"
    r"|\b(?:at|you|wide) open\b"
    r"|\bright away\b|\banything (?:available|works|is|goes|at all)\b"
)


def may_say_when(text: str) -> bool:
    """Whether :func:`canonical` may find a day or a time here; quick, for most messages have none.

    True for a figure and for every word some way of saying when cannot do without; typing errors
    are forgiven as they are later.
    """
    plain = _plain(text[:LONGEST])
    if any(_says_when(word) for word in _SPELLED.findall(plain)) or _french()[0].search(plain):
        return True
    # "a.s.a.p."
    dotted = "." in plain and any(_says_when(w) for w in _SPELLED.findall(plain.replace(".", "")))
    return dotted or bool(_SMALL_WORDS.search(plain))


@lru_cache(maxsize=20_000)
def _says_when(word: str) -> bool:
    if word.isdigit():
        return True
    telling = (
        word_set("telling") | _vocabulary()["numbers"].keys() | _vocabulary()["ordinals"].keys()
    )
    parts = {word, word.replace("-", ""), *word.split("-")}
    for part in parts:
        known = {
            *_word(part).split(),
            part.removesuffix("'s"),
            part.removesuffix("'"),
            part.removesuffix("time"),
        }
        if known & telling or any(w.endswith(("day", "days")) for w in known):
            return True
    return False


def canonical(text: str) -> str:
    """The words of ``text``, one space apart, as the grammar spells them; ``_`` for no time."""
    plain = without_spoken_phones(_plain(text[:LONGEST]), f" {GAP} ")
    for pattern in _NOT_WORDS:
        plain = pattern.sub(f" {GAP} ", plain)
    signs, rules = _french()
    if signs.search(plain):
        for rule, english in rules:
            plain = rule.sub(english, plain)
    for rule, right in _BEFORE_WORDS:
        plain = rule.sub(right, plain)
    words = _numbers([_word(word) for word in _TOKEN.findall(plain)])
    words = [_part_of_day(words[at - 1] if at else "", word) for at, word in enumerate(words)]
    row = " ".join(_months_that_are_words(words))
    row = re.sub(r"(\d(?:st|nd|rd|th)) day (?=of (?!the day))", r"\1 ", row)
    for pattern in _NOT_TIMES:
        row = pattern.sub(GAP, row)
    return re.sub(r"\s+", " ", row).strip()


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.replace("\N{MASCULINE ORDINAL INDICATOR}", ""))
    text = "".join(c for c in text if not unicodedata.combining(c)).lower()
    text = re.sub("[\u2018\u2019\u02bc`\u00b4]", "'", text)
    text = re.sub("[\u2010-\u2015\u2212]", "-", text)
    # "Ummm, thursdaaay"; not "www".
    text = re.sub(r"([a-vx-z])\1{2,}", r"\1", text)
    # "Tuesday *Thursday" puts the first one right.
    text = re.sub(r"(?<=[a-z]) ?\* ?(?=[a-z])", " sorry ", text)
    text = re.sub('[\u201c\u201d()\\[\\]*"]', " ", text)
    return re.sub(r"\s+", " ", text.replace("\n", " . ")).strip()


@lru_cache(maxsize=20_000)
def _word(typed: str) -> str:
    """``typed`` in the grammar's spelling, or as it is."""
    known = _vocabulary()
    if typed in known["shorthand"]:
        word: str = known["shorthand"][typed]
        return word.replace("-", " ")
    if len(typed) < 5 or not typed.isalpha() or typed in known["not_fuzzy"]:
        return typed
    if typed in known["fuzzy"]:
        return typed
    allowed = 2 if len(typed) >= 5 else 1
    scored = sorted(
        (OSA.distance(typed, word, score_cutoff=allowed), word) for word in known["fuzzy"]
    )
    near = [(distance, word) for distance, word in scored if distance <= allowed]
    if not near:
        return typed
    if len(typed) < 7:
        # Short words: two errors only in the names of days, which are hard to mistake.
        days = (*WEEKDAYS, "tomorrow")
        near = [(far, w) for far, w in near if far == 1 or (w in days and w[-1] == typed[-1])]
        if not near:
            return typed
    distance, word = near[0]
    ties = [name for far, name in near if far == distance]
    if len(ties) == 2 and ties[1] == ties[0] + "s":
        # "fridasy" is "Fridays": letters change places more often than they are put in.
        ties = ties[1:] if len(ties[1]) == len(typed) else ties[:1]
        word = ties[0]
    if len(ties) > 1:
        ties = [name for name in ties if name[0] == typed[0]] or ties
        if len(ties) == 1:
            return ties[0]
        # "wensday" is as far from "weekday"; nobody types that one wrong so often.
        ties = [name for name in ties if name in WEEKDAYS]
        if len(ties) != 1:
            return typed
        word = ties[0]
    # Two errors are forgiven only where the word begins and ends as it should.
    if distance == 2 and (typed[0] != word[0] or typed[-1] != word[-1]):
        return typed
    return word


def _part_of_day(before: str, word: str) -> str:
    """A badly mistyped part of the day right after a day: "monday evnng"."""
    if before not in (*WEEKDAYS, "tomorrow", "today") or len(word) < 4 or not word.isalpha():
        return word
    known = ("morning", "afternoon", "evening")
    if word in word_set("not_fuzzy") or word.removesuffix("s") in known:
        return word
    return next((p for p in known if p[0] == word[0] and OSA.distance(p, word) <= 2), word)


def _numbers(words: list[str]) -> list[str]:
    """Number words as digits: "four" is "4", "twenty third" "23rd", "three thirty" "3:30"."""
    numbers, ordinals = _vocabulary()["numbers"], _vocabulary()["ordinals"]
    result: list[str] = []
    spelled: set[int] = set()
    at = 0
    while at < len(words):
        word, after = words[at], words[at + 1] if at + 1 < len(words) else ""
        before = result[-1] if result else ""
        at += 1
        if word in numbers and numbers[word] >= 20 and after in ordinals and ordinals[after] < 10:
            result.append(_ordinal(numbers[word] + ordinals[after]))
            at += 1
        elif word in numbers and numbers[word] >= 20 and 0 < numbers.get(after, 10) < 10:
            result.append(str(numbers[word] + numbers[after]))
            spelled.add(len(result) - 1)
            at += 1
        elif word in numbers:
            result.append(str(numbers[word]))
            spelled.add(len(result) - 1)
        elif word == "one" and (
            before in _HOUR_BEFORE
            or after in _UNIT_AFTER
            or (before == "or" and len(result) > 1 and re.fullmatch(r"\d{1,2}|noon", result[-2]))
            or (before == "and" and "between" in result[-4:-2])
        ):
            result.append("1")
            spelled.add(len(result) - 1)
        elif word == "second":
            result.append("2nd" if _counts_days(before, after) else word)
        elif word in ("first", "third") and not _counts_days(before, after):
            result.append(word)
        elif word in ordinals:
            result.append(_ordinal(ordinals[word]))
        elif re.fullmatch(r"\d+er?", word):
            result.append(word.rstrip("er") + ("st" if word.endswith("er") else "th"))
        else:
            result.append(word)
    joined: list[str] = []
    at = 0
    while at < len(result):
        if _minutes_to(result, at, spelled):
            joined.extend([result[at], "minutes"])
            at += 1
            continue
        hour = result[at]
        minute = result[at + 1] if at + 1 < len(result) else ""
        unit = result[at + 2] if at + 2 < len(result) else ""
        clock = (
            at in spelled
            and at + 1 in spelled
            and 1 <= int(hour) <= 12
            and int(minute) in _MINUTES
            and not unit.startswith(("min", "hour"))
            and unit not in ("past", "to", "after")
            and (not joined or joined[-1] not in ("half", "past"))
        )
        if clock:
            joined.append(f"{hour}:{int(minute):02d}")
            at += 2
        else:
            joined.append(hour)
            at += 1
    return joined


def _counts_days(before: str, after: str) -> bool:
    """Whether "first", "second" or "third" is of a day, week or opening: not "the first page"."""
    if after in _FIRST_WHAT or _is_day(after) or after in MONTHS:
        return True
    return before in _TO_A_DATE and (after in _AFTER_A_DATE or not after.isalpha())


def _minutes_to(words: list[str], at: int, spelled: set[int]) -> bool:
    """Whether "ten to four" is a clock time; "10 to 4" is a stretch unless "at" comes before."""
    if words[at] not in ("5", "10", "20", "25") or words[at + 1 : at + 2] != ["to"]:
        return False
    hour = words[at + 2] if at + 2 < len(words) else ""
    if not re.fullmatch(r"\d{1,2}", hour) or (at and words[at - 1] in ("from", "between")):
        return False
    if at and words[at - 1] == "at":
        return True
    return {at, at + 2} <= spelled and int(words[at]) > int(hour)


def _ordinal(number: int) -> str:
    ending = "th" if 11 <= number <= 13 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _is_day(word: str) -> bool:
    return word.endswith("day") and word in _vocabulary()["fuzzy"]


def _months_that_are_words(words: list[str]) -> list[str]:
    """Hides "may" and "march" where they are verbs, and "august", "april", "june" after "with"."""
    result = []
    for at, word in enumerate(words):
        before = words[at - 1] if at else ""
        after = words[at + 1] if at + 1 < len(words) else ""
        date = bool(_MONTH_SIGN.match(before) or _MONTH_SIGN.match(after))
        if (word == "may" and not date and before not in word_set("before_month")) or (
            word in ("april", "june", "may", "august") and before in ("with", "see", "by", "dr")
        ):
            word = "may_" if word == "may" else GAP
        result.append(word)
    return result
