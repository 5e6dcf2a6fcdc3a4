"""Distribution of rows over clusters, so that all of them have the same work."""

import heapq

import numpy as np

__all__ = ["balanced_rows"]

SWAPS = 2000
"""At most; mostly a few dozen are left to do."""


def balanced_rows(loads: np.ndarray, clusters: int) -> tuple[np.ndarray, np.ndarray]:
    """Cluster and slot of each row.

    The row with most work first, each to the cluster with least work that has a slot left. Then rows are swapped
    between the clusters with most and with least work. No cluster has more rows than another one needs: as many slots
    as there must be at least.

    Parameters
    ----------
    loads
        By row: its work.
    clusters
        Clusters.
    """
    slots = -(-len(loads) // clusters)
    groups: list[list[int]] = [[] for _ in range(clusters)]
    heap = [(0.0, cluster) for cluster in range(clusters)]
    for row in np.argsort(-loads, kind="stable").tolist():
        work, cluster = heapq.heappop(heap)
        groups[cluster].append(row)
        if len(groups[cluster]) < slots:
            heapq.heappush(heap, (work + float(loads[row]), cluster))
    _swap(loads, groups)
    owners, places = np.zeros(len(loads), np.int64), np.zeros(len(loads), np.int64)
    for cluster, rows in enumerate(groups):
        owners[rows], places[sorted(rows)] = cluster, np.arange(len(rows))
    return owners, places


def _swap(loads: np.ndarray, groups: list[list[int]]) -> None:
    """Swap rows between the fullest and the emptiest cluster, as long as that helps both."""
    work = np.array([loads[rows].sum() for rows in groups], np.float64)
    for _ in range(SWAPS):
        most, least = int(work.argmax()), int(work.argmin())
        half = (work[most] - work[least]) / 2
        if not groups[most] or not groups[least]:
            return
        moved = loads[groups[most]][:, None] - loads[groups[least]][None, :]
        a, b = divmod(int(np.abs(moved - half).argmin()), len(groups[least]))
        if not 0 < moved[a, b] < 2 * half:
            return
        groups[most][a], groups[least][b] = groups[least][b], groups[most][a]
        work[most] -= moved[a, b]
        work[least] += moved[a, b]
