"""A shop of ours, paid by Stripe as others have it: localstripe, which keeps intents, charges and refunds as Stripe does,
and Stripe's own client for Python, which reads there what the shop did. It prints where Stripe's API is, reads the shop's
address and setup token, buys, and prints a line for each thing seen.

python3 payments.py LOCALSTRIPE NODE_MODULES BROWSER

The last two are for what is done in a browser, by cards.mjs.

Between the shop and localstripe stands an adapter for what localstripe does not know of Stripe's API: `return_url`, and
the address of a bank's page that follows from it; lists by time; search; keys that are remembered.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import stripe

KEY = "sk_test_of_the_shop"
SECRET = "whsec_of_the_shop"
PASSWORD = "correct horse battery"
CARDS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "cards.mjs")
BANK = "https://bank.example/"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def bank_of(intent, back):
    return f"{BANK}{intent}?{urllib.parse.urlencode({'back': back})}"


class Adapter(BaseHTTPRequestHandler):
    """What Stripe has and localstripe has not."""

    behind = ""
    remembered = {}
    lock = threading.Lock()

    def log_message(self, *_):
        pass

    def do_GET(self):
        self.answer(None)

    def do_POST(self):
        self.answer(self.rfile.read(int(self.headers["content-length"])).decode())

    def answer(self, body):
        with Adapter.lock:
            path, _, query = self.path.partition("?")
            key = self.headers.get("idempotency-key")
            asked = (path, body)
            known = Adapter.remembered.get(key) if body is not None else None
            if known is None:
                status, answer = self.behind_it(path, query, body)
                if body is not None:
                    Adapter.remembered[key] = (asked, status, answer)
            elif known[0] != asked:
                fault = {"error": {"type": "idempotency_error"}}
                status, answer = 400, json.dumps(fault).encode()
            else:
                _, status, answer = known
        self.send_response(status)
        if known is not None:
            self.send_header("idempotent-replayed", "true")
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def behind_it(self, path, query, body):
        if path.endswith("/search"):
            return 200, self.search(urllib.parse.parse_qs(query)["query"][0])
        kept = [pair for pair in urllib.parse.parse_qsl(query) if not pair[0].startswith("created[")]
        url = f"{Adapter.behind}{path}?{urllib.parse.urlencode(kept)}"
        form = urllib.parse.parse_qsl(body or "", keep_blank_values=True)
        back = dict(form).get("return_url")
        form = [pair for pair in form if pair[0] != "return_url"]
        data = None if body is None else urllib.parse.urlencode(form).encode()
        status, answer = self.ask(url, data)
        if back and b"three_d_secure_redirect" in answer:
            intent = json.loads(answer)
            intent["next_action"] = {
                "type": "redirect_to_url",
                "redirect_to_url": {"url": bank_of(intent["id"], back), "return_url": back},
            }
            answer = json.dumps(intent).encode()
        return status, answer

    def search(self, query):
        _, listed = self.ask(f"{Adapter.behind}/v1/payment_intents?limit=100", None)
        found = [
            one
            for one in json.loads(listed)["data"]
            if all(f"metadata['{name}']:'{value}'" in query for name, value in one["metadata"].items())
        ]
        return json.dumps({"object": "search_result", "data": found, "has_more": False}).encode()

    def ask(self, url, data):
        headers = {"authorization": self.headers["authorization"]}
        request = urllib.request.Request(url, data=data, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


class Shop:
    """Somebody at the shop's door."""

    def __init__(self, url, token=None):
        self.url, self.token = url, token

    def ask(self, method, path, body=None, key=None, **fields):
        headers = {"content-type": "application/json", **fields}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        if key:
            headers["idempotency-key"] = key
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            return error.code, json.loads(error.read() or b"null")

    def order(self, name, product):
        wish = {"items": [{"product_id": product, "quantity": 1}]}
        status, order = self.ask("POST", "/api/v1/orders", wish, f"order {name}".replace(" ", "-"))
        assert status == 201, order
        return order

    def pay(self, name, order, method):
        wish = {"order_id": order["id"], "method": method}
        return self.ask("POST", "/api/v1/payments", wish, f"payment-{name}")

    def until(self, path, is_so):
        end = time.monotonic() + 60
        while time.monotonic() < end:
            _, answer = self.ask("GET", path)
            if is_so(answer):
                return answer
            time.sleep(0.2)
        return answer


def seen(what, is_so):
    print(("seen: " if is_so else "NOT SEEN: ") + what, flush=True)


def card(client, number):
    details = {"number": number, "exp_month": 12, "exp_year": 2040, "cvc": "123"}
    return client.v1.payment_methods.create({"type": "card", "card": details}).id


def marks(one):
    return one.metadata.to_dict() if hasattr(one.metadata, "to_dict") else dict(one.metadata)


def intents_of(client, payment):
    listed = client.v1.payment_intents.list({"limit": 100}).data
    return [one for one in listed if marks(one).get("souk_payment") == payment]


def buys(client, ann, admin, product):
    order = ann.order("visa", product)
    status, paid = ann.pay("visa", order, "pm_card_visa")
    seen("an order is paid", status == 201 and paid["status"] == "captured")
    found = intents_of(client, paid["id"])
    right = len(found) == 1 and found[0].status == "succeeded" and found[0].capture_method == "manual"
    seen("Stripe's client reads one intent of it, held first and taken then", right)
    total = order["total"]
    same = right and (found[0].amount, found[0].currency) == (total["amount"], total["currency"].lower())
    seen("it is of the order's amount and currency", same)
    seen("and marked as this shop's", right and marks(found[0])["souk_shop"] == "tried-out")
    _, again = ann.pay("visa", order, "pm_card_visa")
    seen("a repetition makes no second one", again["id"] == paid["id"] and len(intents_of(client, paid["id"])) == 1)
    path = f"/api/v1/payments/{paid['id']}/refunds"
    some = {"amount": {"amount": 100, "currency": total["currency"]}}
    status, _ = admin.ask("POST", path, some, "refund-some")
    seen("a part is given back", status == 201)
    status, _ = admin.ask("POST", path, some, "refund-some")
    status, _ = admin.ask("POST", path, {}, "refund-rest")
    seen("and the rest", status == 201)
    refunds = client.v1.refunds.list({"payment_intent": found[0].id}).data
    amounts = sorted(refund.amount for refund in refunds)
    seen("Stripe's client reads both, once each", amounts == sorted([100, total["amount"] - 100]))


def is_declined(client, ann, product, name, method, code):
    order = ann.order(name, product)
    before = len(client.v1.payment_intents.list({"limit": 100}).data)
    status, refused = ann.pay(name, order, method)
    seen(f"{name}: it is declined as {code}", status == 402 and refused["decline_code"] == code)
    for intent in client.v1.payment_intents.list({"limit": 100}).data[before:]:
        seen(f"{name}: Stripe's client reads that nothing is held", intent.status == "canceled")
    status, paid = ann.pay(f"{name}-again", order, "pm_card_visa")
    seen(f"{name}: another card pays the order", status == 201 and paid["status"] == "captured")


def is_challenged(client, ann, product, name, is_owner):
    order = ann.order(name, product)
    status, begun = ann.pay(name, order, card(client, "4000002500003155"))
    seen(f"{name}: a proof is wanted", status == 202 and begun["status"] == "requires_action")
    intent = intents_of(client, begun["id"])[0]
    bank = bank_of(intent.id, f"{ann.url}/paid/{begun['id']}")
    seen(f"{name}: the bank's page is named, and the way back to the shop's own", begun.get("next_action") == bank)
    proof = {"client_secret": intent.client_secret, "success": "true" if is_owner else "false", "key": "pk_test_1"}
    url = f"{Adapter.behind}/v1/payment_intents/{intent.id}/_authenticate"
    urllib.request.urlopen(url, data=urllib.parse.urlencode(proof).encode(), timeout=10).read()
    path = f"/api/v1/payments/{begun['id']}"
    end = ann.until(path, lambda payment: payment["status"] != "requires_action")
    expected = ("captured", "succeeded") if is_owner else ("declined", "requires_payment_method")
    now = client.v1.payment_intents.retrieve(intent.id)
    seen(f"{name}: it ends as {expected[0]}, here and there", (end["status"], now.status) == expected)


def is_called_back(client, ann, visitor, product):
    order = ann.order("callback", product)
    _, paid = ann.pay("callback", order, "pm_card_visa")
    intent = intents_of(client, paid["id"])[0]
    event = {"id": "evt_1", "object": "event", "type": "payment_intent.succeeded", "livemode": False}
    event["data"] = {"object": {"id": intent.id, "object": "payment_intent", "metadata": marks(intent)}}
    body, now = json.dumps(event), int(time.time())

    def send(secret, at):
        # As the client itself signs for its own checks.
        tag = stripe.WebhookSignature._compute_signature(f"{at}.{body}", secret)
        header = f"t={at},v1={tag}"
        path = "/api/v1/payments/providers/stripe/webhook"
        return visitor.ask("POST", path, body.encode(), **{"stripe-signature": header})[0]

    seen("a callback that Stripe's client signs is taken in", send(SECRET, now) == 200)
    seen("and once more", send(SECRET, now) == 200)
    seen("another secret's is refused", send("whsec_of_nobody", now) == 400)
    seen("an old one is refused", send(SECRET, now - 301) == 400)


def journey(client, shop, setup_token, browser):
    visitor = Shop(shop)
    account = {"email": "ann@souk.example", "password": PASSWORD, "name": "Ann"}
    _, tokens = visitor.ask("POST", "/api/v1/auth/register", account)
    ann = Shop(shop, tokens["access_token"])
    owner = {"setup_token": setup_token, "email": "owner@souk.example", "password": PASSWORD}
    _, tokens = visitor.ask("POST", "/api/v1/auth/setup", owner)
    admin = Shop(shop, tokens["access_token"])
    _, page = visitor.ask("GET", "/api/v1/products?in_stock=true&limit=1")
    product = page["data"][0]["id"]
    buys(client, ann, admin, product)
    is_declined(client, ann, product, "refused", "pm_card_chargeCustomerFail", "card_declined")
    is_declined(client, ann, product, "unknown", "pm_nobody", "method_unusable")
    is_challenged(client, ann, product, "owner", True)
    is_challenged(client, ann, product, "thief", False)
    is_called_back(client, ann, visitor, product)
    wish = {"order_id": ann.order("number", product)["id"], "method": "4242424242424242"}
    status, _ = ann.ask("POST", "/api/v1/payments", wish, "payment-number")
    seen("a card's number is refused", status == 422)
    subprocess.run(["node", CARDS, shop, *browser, Adapter.behind, KEY], check=True)
    _, audit = admin.ask("GET", "/api/v1/audit")
    seen("the books agree with Stripe's", audit.get("balanced") is True)


def main(program, *browser):
    port = free_port()
    Adapter.behind = f"http://127.0.0.1:{port}"
    words = [program, "--port", str(port), "--from-scratch"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen(words, **quiet)
    try:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        adapter = ThreadingHTTPServer(("127.0.0.1", 0), Adapter)
        threading.Thread(target=adapter.serve_forever, daemon=True).start()
        print(f"api http://127.0.0.1:{adapter.server_port}", flush=True)
        address, setup_token = sys.stdin.readline().split()
        client = stripe.StripeClient(KEY, base_addresses={"api": Adapter.behind})
        journey(client, f"http://{address}", setup_token, browser)
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
