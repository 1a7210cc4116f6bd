"""Pictures of many sessions, drawn together by a device."""

import asyncio
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from avatar.live.protocol import Refused
from avatar.live.workers import ManyAtOnce

Rows = NDArray[np.float32]
MOST = 32


def row(number: int) -> Rows:
    return np.array([number], np.float32)


class Device:
    """Draws a row as a picture of its number, after those who wait have come."""

    def __init__(self, fails: Callable[[int], bool] = lambda batch: False) -> None:
        self.sizes, self._fails = [], fails

    async def draw(self, rows: Rows) -> NDArray[np.uint8]:
        await asyncio.sleep(0.01)
        self.sizes.append(len(rows))
        if self._fails(len(self.sizes)):
            raise Refused("the process that computed has died; connect again", 1011)
        return rows.astype(np.uint8)[:, None, None]


def test_what_waits_is_drawn_together():
    async def check() -> None:
        device = Device()
        painter = ManyAtOnce(device.draw, MOST)
        pictures = await asyncio.gather(*(painter.picture(row(n)) for n in range(MOST + 9)))
        assert [int(picture.item()) for picture in pictures] == [*range(MOST + 9)]
        assert device.sizes == [MOST, 9]
        assert (await painter.picture(row(7))).item() == 7

    asyncio.run(check())


def test_who_hangs_up_takes_no_picture_from_others():
    async def check() -> None:
        painter = ManyAtOnce(Device().draw, MOST)
        calls = [asyncio.create_task(painter.picture(row(n))) for n in range(3)]
        await asyncio.sleep(0)
        calls[0].cancel()
        assert [(await call).item() for call in calls[1:]] == [1, 2]

    asyncio.run(check())


def test_a_device_that_fails_is_told_to_all_and_tried_again():
    async def check() -> None:
        painter = ManyAtOnce(Device(lambda batch: batch == 1).draw, MOST)
        calls = [asyncio.create_task(painter.picture(row(n))) for n in range(2)]
        for call in calls:
            with pytest.raises(Refused, match="died"):
                await call
        assert (await painter.picture(row(5))).item() == 5

    asyncio.run(check())
