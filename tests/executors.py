"""Which executor the tests of the schema use: each should pass with both."""

import os
from typing import Final

from graph_api.schema.guarded import ExecutorName

#: ``TEST_EXECUTOR=standard`` or ``compiled``.
EXECUTOR: Final = ExecutorName(os.environ.get("TEST_EXECUTOR", ExecutorName.COMPILED))
