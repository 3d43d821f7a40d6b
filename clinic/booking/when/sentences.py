"""Ways of putting when into a whole sentence, turned into the words the grammar reads.

Regular expressions over the text as typed, in lower case, and what is put in their place.
"""

from __future__ import annotations

import re

from clinic.booking.when.taken_back import DAY

_ANOTHER = (
    r"^\W*(?:(?:no+|nah+|nope|naw|wait|hang on|hold on|actually|sorry|oops|h+m+|um+|uh|ugh|ah|oh"
    r"|ok(?:ay)?|lol|rather|maybe|i mean|i meant|meant|make it|make that|do|let'?s (?:do|say)|say"
    r"|what about|how about|(?:can|could) (?:we|i|you|u) (?:do|make it|say|go)"
    r"|(?:can|could|would|does|is) (?:it|that) (?:be|work at|ok at|possible at)|is|how'?s|better"
    r"|changed? my mind|change (?:it|that)? ?to|on second thoughts?|nvm|never ?mind|scratch that"
    r"|i'?d (?:rather|prefer))\b\W*)+(?:at |about |around |like )?"
)
_ENDS = (
    r"\W*(?:(?:pl[sz]|please|instead|then|is better|works better|if (?:possible|poss|u can)|is good"
    r"|ok)\W*)*$"
)

#: What hurts, as the subject of a sentence.
_BODY = (
    r"(?:(?:my|his|her|our|their|the|both|mum'?s|mom'?s|dad'?s|wife'?s|husband'?s) )*"
    r"(?:(?:lower|left|right|upper|poor|bad|old|whole|low) )*"
    r"(?:back|hips?|legs?|knees?|neck|shoulders?|spine|butt|bum|glutes?|calf|foot|feet|ankles?"
    r"|thighs?|hamstrings?|disc|nerve|nerves|sciatica|piriformis|pain|body|sleep)"
)
_TAKEN = (
    r"(?:full|taken|booked(?: up| solid)?|gone|not (?:free|available|possible|an option)|no good"
    r"|unavailable)"
)

RULES = [
    (re.compile(pattern), right)
    for pattern, right in (
        # "Tomorrow at 12, my hip is bad": it is not the time that is bad.
        (
            rf"\b{_BODY} ?(?:is|are|isn'?t|aren'?t|'?s|has been|have been|feels?|went|gets?)"
            r" (?:(?:so|very|really|real|pretty|too|not|no|quite|all|super|that|still) )*"
            r"(?:bad|out|good|great|gone|tough|hard|awful|off|wrecked|shot|done)\b"
            r"(?: of (?:control|whack|place))?"
            r"(?! (?:on|in|at|every|when|after|before|since|during|from|all|by)\b)",
            ", it hurts, ",
        ),
        # "I'm away just now, could I come a week on Monday?"
        (
            r"\b(?:i'?m|we'?re|i am|we are) (?:away|out of town|off|travell?ing|abroad|on"
            r" (?:holidays?|vacation)) (?:just now|right now|at the (?:moment|minute)|currently"
            r"|for now)\b",
            " ",
        ),
        # "Saturday morning, not totally sure though"
        (
            r",? ?\b(?:but )?(?:i'?m )?not (?:(?:totally|entirely|completely|100%|quite|really|very"
            r"|too|super|fully) )?(?:sure|certain)(?: yet)?(?: tho(?:ugh)?)?(?= ?(?:$|[,.?!]))",
            " ",
        ),
        # "Monday works, so does Thursday"
        (rf"(?:,| and)+ so (?:does|is|do|are|would) (?=(?:on )?(?:the )?(?:{DAY})\b)", " and "),
        # "Saturday, or Friday evening if that's full": the evening is Friday's
        (
            rf"\b({DAY}),? (?:or|else|otherwise)(?: maybe)? (?=[^,.?!]{{3,30}}?,? (?:if (?:that|it)"
            rf"(?:'?s| is) {_TAKEN}|if not|if need be|failing that)\b)",
            r"\1 any time or ",
        ),
        # "What about a week tomorrow" is not about a week.
        (r"\b(?:what|how|wat|hw|hows|whats) (?:about|abt|bout)\b(?! you)", "possibly"),
        # "Are you around on New Year's Eve?", "is she about Tuesday?"
        (
            r"\b(are|is|will|if|when) (you|u|ya|she|he|they)(?: be| are| is|'re|'s)?"
            r" (?:around|about)\b(?! (?:\d|noon|half|quarter))",
            r"\1 \2 available",
        ),
        (r"(?<=\d)(?: ?([ap]m))? ?[&+] ?(?=\d)", r" \1 and "),
        (r"\bthe day before yesterday\b", "2 days ago"),
        # "We would each like an hour"
        (r"\b(i|we|us|would|both|and) each\b", r"\1"),
        # "Not Monday or Tuesday next week, but any other day that week"
        (
            rf"\bnot ((?:{DAY})(?:(?:,| or| and|, or)+ (?:{DAY}))*) ((?:next|this) week),? "
            r"(?:but )?any(?: other)? ?(?:day|time)(?: of that week| that week| then)?",
            r"any day \2 except \1",
        ),
        # "I'm back from Florida on the 20th"
        (
            r"\b(?:i'?m|we'?re|i am|i'?ll be|i|we) (?:get |fly |come |am |are )?(?:back|home) from"
            r" (?:(?!work|school|the)[a-z]+ ){1,3}?(?=(?:on )?(?:the )?(?:\d|[a-z]+day\b|next|in))",
            "i'm back ",
        ),
        # "I was wondering about Thursday"
        (
            r"\b(wondering|asking|thinking|enquiring|inquiring|calling|writing|texting|messaging"
            r"|ask|wonder|know|checking) (?:about|abt|re)\b",
            r"\1",
        ),
        # "Tuesday would work if it wasn't for my shift"
        (
            r",? \b(?:if (?:it|that) (?:wasn'?t|weren'?t|was not|were not) for|were it not for"
            r"|except that|only that|if only"
            r"|only (?=(?:my|our|the) [a-z]+ (?:is|has|won'?t|can'?t)\b))",
            " but ",
        ),
        # "Her birthday is Tuesday so not then"
        (
            rf"\b((?!birth|holi|pay|any|every)(?:{DAY}))\b([^.?!\d]{{0,40}}?)(?:,| so| and)+"
            r" (?:so )?not (?:then|that day|on that day)\b",
            r"\1\2 so not \1",
        ),
        # "Away from the 2nd, back on the 9th"
        (
            r"\b(away|gone|off|out of town|travell?ing|abroad|on (?:vacation|holidays?))"
            r" (?:from |on )?((?:the )?(?:[a-z]+ )?\d{1,2}(?:st|nd|rd|th)?)(?:,| and| but)*"
            r" (?:i'?m |we'?re |i'?ll be |get(?:ting)? |com(?:e|ing) |fly(?:ing)? )?"
            r"(?:back|home|return(?:ing)?)(?: on)? (?=(?:the )?(?:[a-z]+ )?\d)",
            r"\1 from \2 to ",
        ),
        (rf"\b(?:the |your )?(?:very )?(?:earliest|soonest) (?=(?:{DAY})\b)", ""),
        (
            r"\b(?:if|unless) (?:that|it)(?:'?s| is) (?:not )?too (?:late|early|soon)\b"
            r"(?: for \w+)?",
            " ",
        ),
        # "I'm 9-5 Monday to Friday, evenings only"
        (
            r"\b(?:i'?m|i am|i work|i do)(?: a)? (?:9|nine|8|8:30)(?: ?am)?"
            r" ?(?:-|to|till?|until) ?(?:5|five|4|6|5:30)(?: ?pm)?,?"
            r"(?: (?:mon(?:day)?s? ?(?:-|to|through|thru) ?fri(?:day)?s?|weekdays|every day"
            r"|job))?\b",
            " ",
        ),
        (r"\bbefore ?hand\b", "before that"),
        # "Thursday yes, Friday no"
        (rf"\b({DAY}),? (?:yes|ok|good|fine),? (?:and |but )?({DAY}),? no\b", r"\1 , not \2"),
        # "Monday, am or pm"
        (r",? ?\b(?:either )?(?:am or pm|pm or am|a\.m\. or p\.m\.)\b", " any time"),
        # "I've booked Thursday off", "I have the 21st off": free then
        (
            r"\b(?:i|we)(?:'ve| have|'ll have)?(?: just| got)? (?:booked|taken|took|got|have|get)"
            rf" ((?:(?:on|the|this|next) )*(?:{DAY}|\d{{1,2}}(?:st|nd|rd|th)?|[a-z]+ \d{{1,2}})"
            r"(?:(?:,| and| or) [a-z]+day)?) off\b(?: (?:work|school|shift))?",
            r"i'm free \1",
        ),
        (r"\bchristmas eve eve\b|\bxmas eve eve\b", "day before christmas eve"),
        (r"\bnight ?shifts?\b", "shift"),
        # "On earlies this week, so any afternoon"
        (
            r"\b(?:i'?m |he'?s |she'?s )?(?:on|doing|working) (?:nights|lates|earlies)"
            r" (?=(?:this|next|all) (?:week|month),? so\b)",
            "",
        ),
        # "I'm after a massage"
        (
            r"\b(?:i'?m|i am|we'?re|she'?s|he'?s|just) after (?=(?:an?|some|any|another|one"
            r"|something|anything|the (?:earliest|latest|first|last|next))\b)",
            "looking for ",
        ),
        # "Wait till December", "not supposed to until Friday"
        (
            r"\b(?:wait(?:ing)?|hold off|on hold|held? it off|(?:not|isn'?t|aren'?t|wasn'?t)"
            r" (?:allowed|supposed|meant|able|cleared|due)(?: to(?: \w+){1,3}?)?)"
            r" (?:till?|'til|until)\b",
            "not before",
        ),
        # "If nothing on Monday then Wednesday", "if Tuesday's full, Thursday"
        (
            r"\bif (?:there(?:'s| is) )?(?:nothing|none|not|no (?:slots?|spots?|times?|openings?))"
            rf"(?: is)?(?: free| open| available| left)? (?:on |for )?({DAY})\b,? ?"
            r"(?:then |maybe )?",
            r"\1 or ",
        ),
        (
            rf"\bif ({DAY})(?:'?s| is)? {_TAKEN},? ?(?:then |maybe )?",
            r"\1 or ",
        ),
        # "Friday at 2 I have booked": an appointment there is
        (
            r"\b(?:i|we)(?:'ve| have)(?: got)? ([^,.?!]{3,25}?) (?:already )?booked\b(?! up)",
            r"my appointment is \1",
        ),
        # "The last Friday before Christmas"
        (rf"\b(?:the )?(?:very )?last ({DAY}|week|weekend) before\b", r"\1 before"),
        # "I see the doctor on the 2nd, any time after"
        (
            r"\b(so|sometime|any ?time|anything|any day|some time)(,? )(after|before)"
            r"(?:wards?|hand)?(?= ?(?:$|[,.?!]|(?:is|works|would|please|pls|suits)\b))",
            r"\1\2\3 that",
        ),
        (r"\b(?:year'?s?|yr) end\b|\bend of (?:yr|the yr)\b|\beoy\b", "end of the year"),
        # "Can't make it till after 4"
        (
            r"\b(?:can'?t|cannot|not|won'?t|isn'?t|don'?t|never)\b[^,.?!]{0,25}?"
            r"\b(?:till?|'til|until) (?:just |right )?after\b",
            "after",
        ),
        (
            r"\b(?:don'?t|doesn'?t|do not|won'?t|not) (?:finish|get (?:off|out|home|in|back|done)"
            r"|be (?:back|home|done|out))(?: (?:work|school|class))? (?:till?|'til|until)\b",
            "finish at",
        ),
        # "Fridays are crazy, Mondays too"
        (
            r"((?:doesn'?t|don'?t|isn'?t|aren'?t|no good|is out|are out|crazy|can'?t|busy|full"
            rf"|packed|hopeless|nuts|bad|booked|away)\b[^.?!]{{0,30}}?[,.] ?(?:and )?(?:{DAY})s?,?)"
            r" (?:too|as well|also)(?= ?(?:$|[,.?!]))",
            r"\1 ditto",
        ),
        # "Not free until Thursday": on the Thursday
        (
            r"\b(?:not|won't be|wont be|can't be|cant be) (?:free|available|about|around|able|here"
            r"|home|in|in town|done|finished|ready|back)(?: to (?:come|make it|get (?:in|there)))?"
            r" (?:till?|'til|until)\b",
            "not before",
        ),
        # "I could be there by 5:30": not before
        (
            r"\b((?:can|could|'ll|will|might|should)(?: probably| prob| definitely| easily)?"
            r" (?:be|get|make it)(?: (?:there|here|in|over|to you|down))?) by (?=\d)",
            r"\1 from ",
        ),
        # "After 6, except Tuesdays when I finish at 4": is the Tuesday left out?
        (rf"\bexcept (?:for |on )?({DAY}) (?:when|where|as|cos|because|if)\b", r"thatweek \1"),
        (r"\b(?:just|right|shortly) before (?:you )?clos(?:e|ing)(?: time)?\b", "last appointment"),
        (r"\b(1?\d)-(00|15|30|45)\b(?! ?(?:-|min|of|th|st))", r"\1:\2"),
        (r"\bearlier (?:in|on) (?:in )?the (?:week|month)\b", "thatweek"),
        (r"\bweek after's\b", "week after is"),
        # "M-f after 5", "m/w/f", "t/th"
        (r"\bm(?:on)? ?- ?f(?:ri)?\b", "monday - friday"),
        (r"\bm ?[/,] ?w ?[/,] ?f\b", "monday , wednesday , friday"),
        (r"\bt(?:ue?s?)? ?[/,&] ?th(?:u|ur|urs)?\b", "tuesday , thursday"),
        # "6 pm+", "from 6 to close", "530 on"
        (r"(?<=\d)( ?[ap]m)? ?\+(?= |$|[,.?!])", r"\1 or later"),
        (
            r"\b(\d{1,2}(?:[:.]?\d\d)? ?(?:[ap]m)?) ?(?:to|till?|until|-|through) ?(?:you )?"
            r"(?:clos(?:e|ing)(?: time)?|the end(?: of the day)?|whenever)\b",
            r"\1 or later",
        ),
        (r"\b(\d{1,2}[:.]?\d\d|\d{1,2} ?[ap]m) on(?= ?(?:$|[,.?!]))", r"\1 or later"),
        (r"\bfrom opening (?:to|till?|until)\b|\bopening (?:to|till?|until)\b", "before"),
        (r"\b(?:in )?(?:the )?middle of the day\b", "noon"),
        # "A few days before Christmas"
        (
            r"(?<!in )(?<!in a )\b(?:a )?(?:few|couple(?: of)?|some|\d+|two|three|four)"
            r" (?:days|weeks) (?:before|ahead of|prior to)\b",
            "thatweek before",
        ),
        # "Not this Friday, the one after", "not next week, the week after"
        (
            rf"\b(?:not )?this (?:coming )?({DAY})\b,? (?:but )?(?:the )?(?:next |following )?"
            r"(?:one|week|friday)? ?(?:after(?: that)?|following)\b"
            # "this Monday after work" is this Monday
            r"(?! (?:\d|noon|half|quarter|work|school|lunch|dinner|supper|class|the|my|i|one|two"
            r"|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b)",
            r"\1 week",
        ),
        (
            r"\bnot next (?:week|wk),? (?:but )?(?:the )?(?:(?:week|wk|one) after(?: that)?"
            r"|following(?: week| one)?)",
            "week after next",
        ),
        # "Fri same time", after a clock time
        (
            rf"(\d{{1,2}}(?:[:.]\d\d)? ?(?:[ap]m)?)\b([^\d]{{1,25}}?\b(?:{DAY})),? (?:at )?"
            r"(?:the )?same time\b",
            r"\1\2 at \1",
        ),
        # "The one after" somebody else's
        (
            r"\bthe (?:one|slot|appointment|time) (?:right |just )?after"
            r"(?: (?:that|it|him|her|them))?(?= ?(?:$|[,.?!]))",
            "the slot ditto",
        ),
        # "Nah 530", "wait no 11": nothing but another hour
        (rf"{_ANOTHER}(1?\d|2[0-3])(?={_ENDS})", r"at \1"),
        (rf"{_ANOTHER}(1?\d|2[0-3]):?([0-5]\d)(?={_ENDS})", r"at \1:\2"),
        (rf"{_ANOTHER}((?:1?\d)(?:[:.]?[0-5]\d)? ?[ap]m?)(?={_ENDS})", r"at \1"),
    )
]
