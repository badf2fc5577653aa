"""A shop of ours whose pictures are in a bucket, as others have it: moto, which keeps objects as S3 does and refuses who
signs wrongly, and AWS's own client for Python, which reads there what the shop did. It prints where the store is and who
the shop is there, reads the shop's address and setup token, and prints a line for each thing seen.

python3 pictures.py MOTO_SERVER
"""

import json
import os
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request
import zlib

import boto3
from botocore.exceptions import ClientError

REGION = "us-east-1"
PASSWORD = "correct horse battery"
# Until then moto lets everybody do everything: so many are needed to say who may do what.
OPEN_ACTIONS = 4


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def seen(what, is_so):
    print(("seen: " if is_so else "NOT SEEN: ") + what, flush=True)


def picture(shade, size=900):
    """A PNG of one colour."""

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", size, size, 8, 2, 0, 0, 0)
    rows = (b"\0" + bytes([shade, 90, 120]) * size) * size
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


class Shop:
    """Somebody at the shop's door."""

    def __init__(self, url, token=None):
        self.url, self.token = url, token

    def ask(self, method, path, body=None, **fields):
        headers = {"content-type": "application/json", **fields}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def json(self, *words, **fields):
        status, body = self.ask(*words, **fields)
        return status, json.loads(body or b"null")


def keys(s3):
    return sorted(one["Key"] for one in s3.list_objects_v2(Bucket="pictures").get("Contents", []))


def is_shown(shop, s3, image):
    """Both files, as they are in the bucket."""
    for file in (image["full"], image["thumbnail"]):
        status, body = shop.ask("GET", file["url"])
        name = file["url"].rsplit("/", 1)[1]
        key = [key for key in keys(s3) if key.startswith(f"shop/{image['id']}/") and key.endswith(f"/{name}")]
        kept = s3.get_object(Bucket="pictures", Key=key[0])["Body"].read() if len(key) == 1 else None
        if status != 200 or body != kept or not body.startswith((b"\xff\xd8\xff", b"\x89PNG")):
            return False
    return True


def journey(s3, shop, setup_token):
    visitor = Shop(shop)
    owner = {"setup_token": setup_token, "email": "owner@souk.example", "password": PASSWORD}
    _, tokens = visitor.json("POST", "/api/v1/auth/setup", owner)
    admin = Shop(shop, tokens["access_token"])
    _, product = admin.json("POST", "/api/v1/products", {"name": "Teapot", "price": "42.50"})
    path = f"/api/v1/products/{product['id']}/images"
    png = {"content-type": "image/png"}
    status, first = admin.json("POST", path, picture(10), **png)
    seen("a picture is taken", status == 201)
    seen("AWS's client reads both of its files in the bucket", len(keys(s3)) == 2 and is_shown(visitor, s3, first))
    status, again = admin.json("POST", path, picture(10), **png)
    seen("the same one sent again is the same, and leaves nothing", again["id"] == first["id"] and len(keys(s3)) == 2)
    at = f"{path}/{first['id']}"
    status, _ = admin.json("PUT", at, picture(20), **png, **{"if-match": '"9"'})
    seen("an exchange that is refused leaves the old one, and nothing else", status == 412 and is_shown(visitor, s3, first))
    seen("in the bucket as well", len(keys(s3)) == 2)
    status, _ = admin.json("PUT", at, picture(10), **png, **{"if-match": '"9"'})
    seen("also where it is the same picture", status == 412 and is_shown(visitor, s3, first) and len(keys(s3)) == 2)
    status, second = admin.json("PUT", at, picture(20), **png, **{"if-match": f'"{first["version"]}"'})
    seen("an exchange shows the new one", status == 200 and is_shown(visitor, s3, second))
    seen("and the old files go", len(keys(s3)) == 2 and visitor.ask("GET", first["full"]["url"])[0] == 404)
    _, other = admin.json("POST", "/api/v1/products", {"name": "Cup", "price": "4.50"})
    status, third = admin.json("POST", f"/api/v1/products/{other['id']}/images", picture(20), **png)
    seen("another product with the same picture has files of its own", status == 201 and len(keys(s3)) == 4)
    status, _ = admin.ask("DELETE", at, **{"if-match": f'"{second["version"]}"'})
    seen("one that is taken away is gone", status == 204 and len(keys(s3)) == 2)
    seen("and the other product shows its own", is_shown(visitor, s3, third))
    for key in keys(s3):
        s3.delete_object(Bucket="pictures", Key=key)
    status, _ = visitor.ask("GET", third["full"]["url"])
    seen("what is missing in the bucket is not there", status == 404)


def allowed(endpoint):
    """A user who may use the bucket: the store checks who signs from then on."""
    words = {"endpoint_url": endpoint, "region_name": REGION, "aws_access_key_id": "any", "aws_secret_access_key": "any"}
    boto3.client("s3", **words).create_bucket(Bucket="pictures")
    iam = boto3.client("iam", **words)
    iam.create_user(UserName="shop")
    key = iam.create_access_key(UserName="shop")["AccessKey"]
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    iam.put_user_policy(UserName="shop", PolicyName="all", PolicyDocument=json.dumps(policy))
    return key["AccessKeyId"], key["SecretAccessKey"]


def is_closed(endpoint, key):
    words = {"endpoint_url": endpoint, "region_name": REGION, "aws_access_key_id": key}
    thief = boto3.client("s3", aws_secret_access_key="another", **words)
    try:
        thief.list_objects_v2(Bucket="pictures")
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return False


def main(program):
    port = free_port()
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    env = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": str(OPEN_ACTIONS)}
    server = subprocess.Popen([program, "-H", "127.0.0.1", "-p", str(port)], env=env, **quiet)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        endpoint = f"http://127.0.0.1:{port}"
        key, secret = allowed(endpoint)
        print(f"bucket {endpoint} {key} {secret}", flush=True)
        seen("the store refuses who signs wrongly", is_closed(endpoint, key))
        address, setup_token = sys.stdin.readline().split()
        words = {"endpoint_url": endpoint, "region_name": REGION}
        s3 = boto3.client("s3", aws_access_key_id=key, aws_secret_access_key=secret, **words)
        journey(s3, f"http://{address}", setup_token)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main(sys.argv[1])
