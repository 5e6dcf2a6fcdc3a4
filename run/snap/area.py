"""What the AIMs take of a SNAP core's area."""

from ...tb.area import AreaReport

__all__ = ["aim_shares"]


def aim_shares(report: AreaReport) -> dict[str, float]:
    """Shares of the AIMs in a core.

    Returns
    -------
    dict
        ``aim``: comparators or table, classes, and the registers in front, as in the paper's Fig. 8(a).
        ``aim_and_index_files``: with the PEs' channel indices too, which only the AIMs read. (The multiplexers that
        share an AIM are in the own area of ``snap_row``, with the arbiter and the row's counters.)
    """
    aim = report.share("aim")
    return {"aim": round(aim, 4), "aim_and_index_files": round(aim + report.share("pe_aim_port"), 4)}
