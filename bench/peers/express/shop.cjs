// A shop as seeds describe it: Express, PostgreSQL, JSON Web Tokens, a version on each product, two processes. It is
// here to be measured beside ours, and does its best within that: prepared statements, a pool, one transaction an order.
// What it lacks, on purpose: limits, metrics, request ids, idempotency keys, money in more than one currency.
// usage: PORT=8080 DATABASE_URL=postgres://... node shop.cjs
"use strict";

const cluster = require("node:cluster");
const { randomBytes, scrypt, timingSafeEqual } = require("node:crypto");
const { promisify } = require("node:util");
const hash = promisify(scrypt);

const PROCESSES = 2;

if (cluster.isPrimary) {
  const secret = randomBytes(32).toString("hex");
  for (let n = 0; n < PROCESSES; n += 1) cluster.fork({ SECRET: secret });
  process.on("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  });
} else {
  serve();
}

function serve() {
  const express = require("express");
  const jwt = require("jsonwebtoken");
  const { Pool, types } = require("pg");
  types.setTypeParser(types.builtins.INT8, Number);
  const secret = process.env.SECRET;
  const pool = new Pool({ connectionString: process.env.DATABASE_URL, max: 16 });
  const app = express();
  app.disable("x-powered-by");
  app.use(express.json());

  const signedIn = (req, res, next) => {
    const [kind, token] = (req.get("authorization") ?? "").split(" ");
    try {
      if (kind !== "Bearer") throw new Error("no token");
      req.user = Number(jwt.verify(token, secret, { algorithms: ["HS256"] }).sub);
    } catch {
      return res.status(401).json({ error: "sign in" });
    }
    return next();
  };

  app.post("/register", async (req, res) => {
    const { username, password } = req.body;
    const salt = randomBytes(16).toString("hex");
    const key = await hash(password, salt, 32);
    await pool.query("INSERT INTO users (username, password) VALUES ($1, $2)", [username, `${salt}:${key.toString("hex")}`]);
    res.status(201).json({ username });
  });

  app.post("/login", async (req, res) => {
    const { username, password } = req.body;
    const { rows } = await pool.query("SELECT user_id, password FROM users WHERE username = $1", [username]);
    if (rows.length === 0) return res.status(401).json({ error: "wrong" });
    const [salt, key] = rows[0].password.split(":");
    if (!timingSafeEqual(await hash(password, salt, 32), Buffer.from(key, "hex"))) {
      return res.status(401).json({ error: "wrong" });
    }
    return res.json({ access_token: jwt.sign({ sub: String(rows[0].user_id) }, secret, { expiresIn: "1h" }) });
  });

  const one = "SELECT product_id AS id, name, description, price_minor, stock, version FROM products";
  app.get("/products/:id", async (req, res) => {
    const { rows } = await pool.query({ name: "product", text: `${one} WHERE product_id = $1`, values: [req.params.id] });
    return rows.length === 0 ? res.status(404).json({ error: "no such product" }) : res.json(rows[0]);
  });

  app.get("/products", async (req, res) => {
    const limit = Math.min(Number(req.query.limit ?? 20), 100);
    const { rows } = await pool.query({ name: "list", text: `${one} ORDER BY product_id DESC LIMIT $1`, values: [limit] });
    res.json({ data: rows });
  });

  app.get("/orders/:id", signedIn, async (req, res) => {
    const text = `SELECT o.order_id AS id, o.status, o.total_minor, o.created_at, l.product_id, l.quantity, l.unit_price_minor
                    FROM orders o JOIN order_lines l ON l.order_id = o.order_id
                   WHERE o.order_id = $1 AND o.user_id = $2`;
    const { rows } = await pool.query({ name: "order", text, values: [req.params.id, req.user] });
    if (rows.length === 0) return res.status(404).json({ error: "no such order" });
    const [{ id, status, total_minor, created_at }] = rows;
    const lines = rows.map(({ product_id, quantity, unit_price_minor }) => ({ product_id, quantity, unit_price_minor }));
    return res.json({ id, status, total_minor, created_at, lines });
  });

  app.post("/orders", signedIn, async (req, res) => {
    const { product_id, quantity } = req.body;
    const client = await pool.connect();
    try {
      await client.query("BEGIN");
      const taken = await client.query({
        name: "take",
        text: `UPDATE products SET stock = stock - $2, version = version + 1
                WHERE product_id = $1 AND stock >= $2 RETURNING price_minor`,
        values: [product_id, quantity],
      });
      if (taken.rows.length === 0) {
        await client.query("ROLLBACK");
        return res.status(409).json({ error: "not enough" });
      }
      const price = taken.rows[0].price_minor;
      const order = await client.query({
        name: "place",
        text: "INSERT INTO orders (user_id, total_minor) VALUES ($1, $2) RETURNING order_id",
        values: [req.user, price * quantity],
      });
      const id = order.rows[0].order_id;
      await client.query({
        name: "line",
        text: "INSERT INTO order_lines (order_id, product_id, quantity, unit_price_minor) VALUES ($1, $2, $3, $4)",
        values: [id, product_id, quantity, price],
      });
      await client.query("COMMIT");
      return res.status(201).json({ id, status: "pending", total_minor: price * quantity });
    } catch (error) {
      await client.query("ROLLBACK");
      throw error;
    } finally {
      client.release();
    }
  });

  app.listen(Number(process.env.PORT), "127.0.0.1");
}
