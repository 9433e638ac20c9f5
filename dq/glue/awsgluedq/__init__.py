"""The package that Glue jobs import `EvaluateDataQuality` from; where Glue's own is installed, it is that one."""

import sys

from dq.glue.aside import stand_aside

stand_aside(sys.modules[__name__])
