"""All images together: they serve, do the main job, and end as they are told."""

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from devstack.processes import TABLE

from deploy.images.tests.containers.conftest import ASKED, BoxOf
from deploy.images.tests.containers.whole import Whole, image_of

GRACE_SECONDS = 30
NEEDED = {image_of(process) for process in TABLE}


@pytest.mark.skipif(not set(ASKED) >= NEEDED, reason="needs the image of every process")
async def test_a_system_of_images_does_the_main_job(tmp_path: Path, box_of: BoxOf) -> None:
    whole = Whole.at(tmp_path / "whole", Path(os.environ["HELIOGRAPH_TEST_SERVERS"]), box_of)
    try:
        await whole.make_data()
        await whole.start()
        told = await demo(whole.setting.url("gateway"))
        ended = {name: await asyncio.to_thread(running.stop, GRACE_SECONDS) for name, running in whole.running.items()}
    finally:
        await whole.drop()

    assert told["ok"] is True
    assert {name: status for name, (status, _) in ended.items()} == dict.fromkeys(ended, 0)
    assert all(seconds < GRACE_SECONDS for _, seconds in ended.values())


async def demo(url: str) -> dict[str, object]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "demo", "--url", url), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return json.loads(out.decode().strip().splitlines()[-1])
