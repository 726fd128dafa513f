import subprocess
import sys

MEASURE = """
import resource, sys
import numpy as np
from app.core.heap import keep_freed_memory

assert sys.argv[1] == "default" or keep_freed_memory()
np.ones(2**23)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
np.ones(2**23)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def count_faults(mode):
    command = [sys.executable, "-c", MEASURE, mode]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_memory_that_was_freed_costs_no_page_faults_when_it_is_used_again():
    assert count_faults("kept") < 16 < count_faults("default")
