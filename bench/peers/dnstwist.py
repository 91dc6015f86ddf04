"""dnstwist as a set look-up: every permutation of every protected name goes into a set, and names are looked up in it.

`dnstwist.py PROTECTED REPETITIONS (NAMES ALARMS)...`: all files have one name a line; those of NAMES that are in the set are
written to ALARMS. The first pair is timed REPETITIONS times. Prints `key=value` lines, as the bench's own tools do.

The file must not be imported under the name of the package that it measures, so the bench runs it from its scratch folder
under another name.
"""

import sys
from time import perf_counter, process_time

from dnstwist import Fuzzer


def generate(protected):
    """All permutations of all protected names, without those names; and how many names were refused."""
    candidates, refused = set(), 0
    for name in protected:
        try:
            fuzzer = Fuzzer(name)
            fuzzer.generate()
            candidates.update(permutation["domain"] for permutation in fuzzer.domains)
        except Exception:
            refused += 1
    candidates.difference_update(protected)
    return candidates, refused


def look_up(candidates, path):
    """How many names were read, and which of them are in the set."""
    names, hits = 0, []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            names += 1
            name = line.rstrip("\n")
            if name in candidates:
                hits.append(name)
    return names, hits


def peak_kib():
    """Most memory ever held, in KiB; 0 where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except OSError:
        return 0


def main():
    protected_path, repetitions, *pairs = sys.argv[1:]
    with open(protected_path, encoding="utf-8") as lines:
        protected = lines.read().split()
    cpu, wall = process_time(), perf_counter()
    candidates, refused = generate(protected)
    print(f"setup_cpu={process_time() - cpu}\nsetup_wall={perf_counter() - wall}")
    print(f"candidates={len(candidates)}\nrefused={refused}")
    for number, (names_path, alarms_path) in enumerate(zip(pairs[::2], pairs[1::2])):
        times = []
        for _ in range(int(repetitions) if number == 0 else 1):
            cpu, wall = process_time(), perf_counter()
            names, hits = look_up(candidates, names_path)
            times.append((process_time() - cpu, perf_counter() - wall))
        with open(alarms_path, "w", encoding="utf-8") as alarms:
            alarms.writelines(f"{hit}\n" for hit in hits)
        if number == 0:
            print(f"names={names}\ncpu={min(t[0] for t in times)}\nwall={min(t[1] for t in times)}")
    print(f"peak_kib={peak_kib()}")


if __name__ == "__main__":
    main()
