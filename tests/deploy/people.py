"""People of a check: they look about, buy and pay, want more than there is, and ask for what is not there. In the end
they say how often they asked, how often the shop failed them, and how many orders it took.

python3 people.py URL SECONDS
"""

import json
import sys
import time
import urllib.error
import urllib.request


asked = failed = 0


def ask(method, url, body=None, token=None, key=None):
    global asked, failed
    status, answer = answered(method, url, body, token, key)
    asked += 1
    failed += status == 0 or status >= 500
    return status, answer


def answered(method, url, body, token, key):
    headers = {"content-type": "application/json"}
    if token:
        headers["authorization"] = f"Bearer {token}"
    if key:
        headers["idempotency-key"] = key
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, None
    except OSError:
        # Nobody answered in time.
        return 0, None


def main(shop, seconds):
    api = f"{shop}/api/v1"
    # Somebody else each time, and others' keys.
    visit = time.time_ns()
    account = {"email": f"ann-{visit}@example.com", "password": "correct horse battery", "name": "Ann"}
    status, tokens = ask("POST", f"{api}/auth/register", account)
    if status not in (200, 201):
        sys.exit(f"nobody could register: {status}")
    token = tokens["access_token"]
    _, page = ask("GET", f"{api}/products?in_stock=true&limit=20")
    products = [product["id"] for product in page["data"]]
    end, turn, placed = time.monotonic() + seconds, 0, 0
    while time.monotonic() < end:
        product = products[turn % len(products)]
        ask("GET", f"{api}/products/{product}")
        ask("GET", f"{api}/products/nothing-{turn}")
        wish = {"items": [{"product_id": product, "quantity": 1}]}
        status, order = ask("POST", f"{api}/orders", wish, token, f"order-{visit}-{turn}")
        if status == 201:
            placed += 1
            payment = {"order_id": order["id"], "method": "tok_ok" if turn % 5 else "tok_declined"}
            ask("POST", f"{api}/payments", payment, token, f"payment-{visit}-{turn}")
            if turn % 7 == 1:
                ask("POST", f"{api}/orders/{order['id']}/cancel", {}, token, f"cancel-{visit}-{turn}")
        wish["items"][0]["quantity"] = 9999
        ask("POST", f"{api}/orders", wish, token, f"too-much-{visit}-{turn}")
        turn += 1
        time.sleep(0.02)
    print(f"asked {asked} failed {failed} placed {placed}")
    if placed == 0:
        sys.exit("nobody could buy")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
