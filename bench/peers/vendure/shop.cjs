// A shop on Vendure, as its own documents set one up: PostgreSQL, its shop API (GraphQL), two processes. It is here to be
// measured beside ours, for reads: an order there is half a dozen requests.
// usage: PORT=8080 DATABASE_URL=postgres://... PRODUCTS=200 FOLDER=/tmp/vendure node shop.cjs
"use strict";

const cluster = require("node:cluster");
const fs = require("node:fs");
const path = require("node:path");
const { randomBytes } = require("node:crypto");

const PROCESSES = 2;
const filling = { WORK: "fill" };

if (cluster.isPrimary) {
  const secret = randomBytes(32).toString("hex");
  // One makes the tables and fills them; then two serve.
  cluster.fork({ ...filling, SECRET: secret }).once("exit", (code) => {
    if (code !== 0) process.exit(1);
    for (let n = 0; n < PROCESSES; n += 1) cluster.fork({ WORK: "serve", SECRET: secret });
  });
  process.on("SIGTERM", () => {
    for (const worker of Object.values(cluster.workers)) worker.kill();
    process.exit(0);
  });
} else {
  work().catch((error) => {
    console.error(error);
    process.exit(1);
  });
}

async function work() {
  const { bootstrap, DefaultLogger, LogLevel, dummyPaymentHandler } = require("@vendure/core");
  const isFilling = process.env.WORK === filling.WORK;
  const config = {
    // Whoever waits for the shop must not take the one that fills it for it.
    apiOptions: { hostname: "127.0.0.1", port: isFilling ? 0 : Number(process.env.PORT), adminApiPath: "admin-api", shopApiPath: "shop-api" },
    authOptions: {
      tokenMethod: ["bearer"],
      superadminCredentials: { identifier: "superadmin", password: process.env.SECRET },
      cookieOptions: { secret: process.env.SECRET },
    },
    dbConnectionOptions: { type: "postgres", url: process.env.DATABASE_URL, synchronize: isFilling, logging: false, extra: { max: 16 } },
    paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
    logger: new DefaultLogger({ level: LogLevel.Warn }),
  };
  if (!isFilling) {
    await bootstrap(config);
    return;
  }
  const { populate } = require("@vendure/core/cli");
  const file = path.join(process.env.FOLDER, "products.csv");
  fs.writeFileSync(file, products(Number(process.env.PRODUCTS)));
  const app = await populate(() => bootstrap(config), initial(), file);
  await app.close();
  process.exit(0);
}

function products(count) {
  const head = "name,slug,description,assets,facets,optionGroups,optionValues,sku,price,taxCategory,stockOnHand,trackInventory,variantAssets,variantFacets";
  const row = (n) =>
    `Green tea ${n},green-tea-${n},"From the slopes of hill ${n}, picked by hand in spring, dried in the shade and packed on the day it is ready.",,,,,S-${n},9.99,standard,100000000,true,,`;
  return [head, ...Array.from({ length: count }, (_, n) => row(n + 1)), ""].join("\n");
}

function initial() {
  return {
    defaultLanguage: "en",
    defaultZone: "Europe",
    countries: [{ name: "Germany", code: "DE", zone: "Europe" }],
    taxRates: [{ name: "Standard Tax", percentage: 20 }],
    shippingMethods: [],
    paymentMethods: [],
    collections: [],
  };
}
