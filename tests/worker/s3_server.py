"""A server that speaks S3 and checks signatures, in a process of its own."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUCKET = "sounds"
_MAY_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}


@dataclass(frozen=True)
class S3Server:
    """One bucket, and one account that may use it."""

    url: str
    access_key: str
    secret_key: str

    def names(self) -> list[str]:
        """What is in the bucket."""
        with closing(self._client()) as client:
            return sorted(each["Key"] for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", ()))

    def put(self, name: str, content: bytes) -> None:
        """As somebody else who may write there."""
        with closing(self._client()) as client:
            client.put_object(Bucket=BUCKET, Key=name, Body=content)

    def _client(self) -> Any:
        return _client("s3", self.url, self.access_key, self.secret_key)


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Running. What is made before signatures count is made without any."""
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with tempfile.NamedTemporaryFile("r") as said:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=said.fileno())
        try:
            address = _address(process, said.name)
            url = f"http://{address}"
            with closing(_client("s3", url, "first", "first")) as client:
                client.create_bucket(Bucket=BUCKET)
            with closing(_client("iam", url, "first", "first")) as people:
                people.create_user(UserName="gateway")
                people.put_user_policy(UserName="gateway", PolicyName="all", PolicyDocument=json.dumps(_MAY_ALL))
                key = people.create_access_key(UserName="gateway")["AccessKey"]
            with closing(http.client.HTTPConnection(address, timeout=20)) as connection:
                connection.request("POST", "/moto-api/reset-auth", body=b"0", headers={"Content-Type": "text/plain"})
                assert connection.getresponse().status == 200
            yield S3Server(url, key["AccessKeyId"], key["SecretAccessKey"])
        finally:
            process.kill()
            process.wait(timeout=20)


def _address(process: subprocess.Popen[bytes], log: str) -> str:
    deadline = time.monotonic() + 60
    while True:
        said = Path(log).read_text(encoding="utf-8")
        found = re.search(r"Running on http://([0-9.:]+)", said)
        if found is not None:
            return found[1]
        assert process.poll() is None, said
        assert time.monotonic() < deadline, said
        time.sleep(0.05)


def _client(service: str, url: str, access_key: str, secret_key: str) -> Any:
    import boto3  # every worker of a run reads this file, and one needs a client: a quarter of a second each

    return boto3.client(
        service, endpoint_url=url, region_name="us-east-1", aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
    )  # fmt: skip
