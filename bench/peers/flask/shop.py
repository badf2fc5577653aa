"""A shop as a seed describes it: Flask, JSON Web Tokens, a version on each product. The seed keeps its data in MongoDB,
which Debian has not; this one keeps them in PostgreSQL. It is here to be measured beside ours, under gunicorn with two
processes of several threads. What it lacks, on purpose: limits, metrics, request ids, idempotency keys.
usage: SECRET=... DATABASE_URL=postgres://... gunicorn --workers 2 --threads 16 shop:app
"""

import os
import threading
from datetime import datetime, timedelta, timezone
from functools import wraps

import jwt
import psycopg2
from flask import Flask, jsonify, request
from werkzeug.security import check_password_hash, generate_password_hash

SECRET = os.environ["SECRET"]
app = Flask(__name__)
# Each thread of a worker keeps its connection: nothing has to be waited for.
own = threading.local()


def connection():
    if getattr(own, "connection", None) is None:
        own.connection = psycopg2.connect(os.environ["DATABASE_URL"])
    return own.connection


def rows(sql, values):
    with connection() as transaction, transaction.cursor() as cursor:
        cursor.execute(sql, values)
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row)) for row in cursor.fetchall()]


def signed_in(view):
    @wraps(view)
    def checked(*words, **named):
        kind, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            if kind != "Bearer":
                raise jwt.InvalidTokenError
            user = int(jwt.decode(token, SECRET, algorithms=["HS256"])["sub"])
        except jwt.InvalidTokenError:
            return jsonify(error="sign in"), 401
        return view(user, *words, **named)

    return checked


@app.post("/register")
def register():
    wish = request.get_json()
    password = generate_password_hash(wish["password"])
    sql = "INSERT INTO users (username, password) VALUES (%s, %s) RETURNING username"
    return jsonify(rows(sql, (wish["username"], password))[0]), 201


@app.post("/login")
def login():
    wish = request.get_json()
    found = rows("SELECT user_id, password FROM users WHERE username = %s", (wish["username"],))
    if not found or not check_password_hash(found[0]["password"], wish["password"]):
        return jsonify(error="wrong"), 401
    expires = datetime.now(timezone.utc) + timedelta(hours=1)
    token = jwt.encode({"sub": str(found[0]["user_id"]), "exp": expires}, SECRET, algorithm="HS256")
    return jsonify(access_token=token)


ONE = "SELECT product_id AS id, name, description, price_minor, stock, version FROM products"


@app.get("/products/<int:product>")
def product(product):
    found = rows(f"{ONE} WHERE product_id = %s", (product,))
    return jsonify(found[0]) if found else (jsonify(error="no such product"), 404)


@app.get("/products")
def products():
    limit = min(int(request.args.get("limit", 20)), 100)
    return jsonify(data=rows(f"{ONE} ORDER BY product_id DESC LIMIT %s", (limit,)))


@app.get("/orders/<int:order>")
@signed_in
def order(user, order):
    sql = """SELECT o.order_id AS id, o.status, o.total_minor, o.created_at, l.product_id, l.quantity, l.unit_price_minor
               FROM orders o JOIN order_lines l ON l.order_id = o.order_id
              WHERE o.order_id = %s AND o.user_id = %s"""
    found = rows(sql, (order, user))
    if not found:
        return jsonify(error="no such order"), 404
    lines = [{name: row[name] for name in ("product_id", "quantity", "unit_price_minor")} for row in found]
    whole = {name: found[0][name] for name in ("id", "status", "total_minor", "created_at")}
    return jsonify(**whole, lines=lines)


@app.post("/orders")
@signed_in
def place(user):
    wish = request.get_json()
    product, quantity = wish["product_id"], wish["quantity"]
    with connection() as transaction, transaction.cursor() as cursor:
        cursor.execute(
            """UPDATE products SET stock = stock - %s, version = version + 1
                WHERE product_id = %s AND stock >= %s RETURNING price_minor""",
            (quantity, product, quantity),
        )
        taken = cursor.fetchone()
        if taken is None:
            return jsonify(error="not enough"), 409
        total = taken[0] * quantity
        cursor.execute("INSERT INTO orders (user_id, total_minor) VALUES (%s, %s) RETURNING order_id", (user, total))
        (number,) = cursor.fetchone()
        cursor.execute(
            "INSERT INTO order_lines (order_id, product_id, quantity, unit_price_minor) VALUES (%s, %s, %s, %s)",
            (number, product, quantity, taken[0]),
        )
    # The transaction is written when its block ends.
    return jsonify(id=number, status="pending", total_minor=total), 201
