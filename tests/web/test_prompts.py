"""The page Prompts."""

from __future__ import annotations

import io
import wave

import numpy as np
from flask.testing import FlaskClient

from tests.fakes.gateway_thread import GatewayThread
from tests.web.conftest import csrf_of


def a_wav(seconds: float) -> bytes:
    time = np.arange(int(8000 * seconds)) / 8000
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes((np.sin(2 * np.pi * 440 * time) * 9000).astype("<i2").tobytes())
    return content.getvalue()


def test_a_prompt_is_replaced_by_a_file_and_comes_back(gateway: GatewayThread, owner: FlaskClient) -> None:
    page = owner.get("/prompts?language=en").text
    assert "Hello, and thank you for calling." in page
    assert "Your own" not in page
    token = csrf_of(owner, "/prompts")
    packaged = owner.get("/prompts/en/greeting.wav").data
    assert packaged.startswith(b"RIFF")

    def take(seconds: float) -> str:
        data = {"csrf_token": token, "file": (io.BytesIO(a_wav(seconds)), "hello.wav")}
        return owner.post("/prompts/en/greeting/file", data=data, follow_redirects=True).text

    assert "The prompt is too long." in take(18.5)
    assert gateway.recorded.prompts_read == 0
    page = take(3)
    assert "The next caller will hear it." in page
    assert "Your own" in page
    assert gateway.recorded.prompts_read == 1
    assert owner.get("/prompts/en/greeting.wav").data != packaged
    owner.post("/prompts/en/greeting/packaged", data={"csrf_token": token})
    assert owner.get("/prompts/en/greeting.wav").data == packaged


def test_a_prompt_is_said_by_text(gateway: GatewayThread, owner: FlaskClient) -> None:
    token = csrf_of(owner, "/prompts")
    data = {"csrf_token": token, "text": "Магазин открыт"}
    page = owner.post("/prompts/ru/greeting/text", data=data, follow_redirects=True).text
    assert "Your own" in page
    assert gateway.recorded.prompts_read == 1
    data = {"csrf_token": token, "text": " "}
    assert (
        "The next caller will hear it."
        not in owner.post("/prompts/ru/busy/text", data=data, follow_redirects=True).text
    )
