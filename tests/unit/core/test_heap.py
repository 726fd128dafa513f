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


GIVE_BACK = """
import os
import numpy as np
from app.core.heap import give_back_memory, keep_freed_memory

def count_resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

keep_freed_memory()
before = count_resident()
np.ones(2**23)
kept = count_resident() - before
give_back_memory()
print(kept, count_resident() - before)
"""


def test_memory_that_was_kept_is_given_back_when_told():
    run = subprocess.run([sys.executable, "-c", GIVE_BACK], capture_output=True, text=True, check=True)
    kept, left = map(int, run.stdout.split())

    assert left < 2**20 < 2**25 < kept
