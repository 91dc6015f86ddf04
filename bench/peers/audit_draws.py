"""Draws by the packages that audits use: `audit_draws.py tickets` (consistent_sampler) or `integers` (cryptorandom).

Prints `key=value` lines, as the bench's own tools do.
"""

import sys
from time import perf_counter, process_time


def tickets():
    """10,000 of 1,000,000 cards with replacement, tickets and all."""
    import consistent_sampler

    ids = [(("J%03d" % (i % 159), "Batch %d" % i), k) for i in range(10_000) for k in range(1, 101)]
    drawn = list(
        consistent_sampler.sampler(
            ids, seed="12345678901234567890", with_replacement=True, take=10_000, output="tuple", digits=18
        )
    )
    return f"tickets {drawn[0][0]} to {drawn[-1][0]}"


def integers():
    """10,000 integers from 1 to 10 million."""
    from cryptorandom.cryptorandom import SHA256

    drawn = SHA256("12345678901234567890").randint(1, 10_000_001, size=10_000)
    return f"{drawn[0]} to {drawn[-1]}"


def peak_kib():
    """Most memory ever held, in KiB; 0 where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))
    except OSError:
        return 0


def main():
    work = {"tickets": tickets, "integers": integers}[sys.argv[1]]
    wall, cpu = perf_counter(), process_time()
    note = work()
    print(f"cpu={process_time() - cpu}\nwall={perf_counter() - wall}\npeak_kib={peak_kib()}\nnote={note}")


main()
