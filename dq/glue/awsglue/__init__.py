"""What job scripts import of Glue's own library, as far as judging data needs it; Glue's, where that is installed."""

import sys

from dq.glue.aside import stand_aside

stand_aside(sys.modules[__name__])
