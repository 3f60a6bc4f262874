"""English words that say nothing about a topic: function words, question words, auxiliaries, contractions.

None of them is chosen for the wording of research questions: `papers` or `methods` weigh little by being common.
"""

_WORDS = """
a about above after again against all also although am among an and another any anyone anything are aren as at
be because been before being below between both but by can cannot could couldn d did didn do does doesn doing don
done down during each either else ever every few for from further had hadn has hasn have haven having he hence her
here hers herself him himself his how however i if in into is isn it its itself just ll m may me might mightn more
most much must mustn my myself neither no nobody none nor not nothing now of off on once only onto or other ought
our ours ourselves out over own per please rather re s same shall shan she should shouldn since so some someone
something such t than that the their theirs them themselves then there thereby therefore these they this those
though through thus to too toward towards under unless until up upon us ve very via was wasn we were weren what
when where whereas whether which while who whom whose why will with within without won would wouldn yet you your
yours yourself yourselves
"""

STOP_WORDS = frozenset(_WORDS.split())
