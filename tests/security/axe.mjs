// Walks through the pages of a shop in a real browser and lets axe look at each:
// axe.mjs ADDRESS NODE_MODULES BROWSER PASSWORD E-MAIL...
// Nobody first, then everybody who can sign in; light and dark, wide and narrow. A page that links lead to cannot be
// forgotten. Says what axe found, and ends with 1 if that is anything.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { readFileSync } from "node:fs";

const [address, modules, browserPath, password, ...people] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/x.js`));
const { chromium } = require("playwright-core");
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const PAGES_MAX = 160;
const ONE_OF_MANY = 3;
// No link leads there: mails do.
const BY_MAIL = ["/forgot-password", "/reset-password?token=none", "/verify-email?token=none", "/no/such/page"];
const LOOKS = [
  { colorScheme: "light", viewport: { width: 1280, height: 800 } },
  { colorScheme: "dark", viewport: { width: 390, height: 844 } },
  { colorScheme: "light", viewport: { width: 390, height: 844 } },
  { colorScheme: "dark", viewport: { width: 1280, height: 800 } },
];

const findings = new Map();
let looked = 0;

async function examine(page, path, look) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  looked += 1;
  for (const violation of violations) {
    for (const node of violation.nodes) {
      const what = `${violation.id}: ${node.target.join(" ")}`;
      findings.set(what, `${path} (${look.colorScheme}, ${look.viewport.width}): ${what}: ${violation.help}`);
    }
  }
}

// Where a link of this page leads, without what makes one page of it many.
async function links(page) {
  const all = await page.$$eval("a[href]:not([download])", (found) => found.map((a) => a.href));
  return all
    .filter((href) => href.startsWith(`${address}/`))
    .map((href) => href.slice(address.length).split("#")[0])
    .filter((path) => !/^\/(media|assets|openapi|api)\b/.test(path));
}

// Of many that are alike (products, problems) a few are enough.
function kind(path) {
  const parts = path.split("?")[0].split("/");
  // Pages for staff are of many kinds: lists by their name, and what such a list leads to.
  const depth = parts[1] === "admin" ? 3 : 2;
  const below = parts[1] === "admin" && parts.length > 3 ? `/${parts.length}` : "";
  return parts.slice(0, depth).join("/") + below + (path.includes("?") ? "?" : "");
}

async function walk(context, look, more) {
  const page = await context.newPage();
  const wanted = ["/", "/docs", "/account", "/sign-in", "/register-account", "/problems/not_found", ...more];
  const seen = new Set();
  const kinds = new Map();
  while (wanted.length > 0 && seen.size < PAGES_MAX) {
    const path = wanted.shift();
    const alike = kinds.get(kind(path)) ?? 0;
    if (seen.has(path) || alike >= ONE_OF_MANY) continue;
    seen.add(path);
    kinds.set(kind(path), alike + 1);
    const answer = await page.goto(address + path, { waitUntil: "load" });
    if (answer === null || !(answer.headers()["content-type"] ?? "").startsWith("text/html")) continue;
    await examine(page, path, look);
    wanted.push(...(await links(page)));
  }
  await page.close();
  return seen.size;
}

async function signIn(context, email) {
  const page = await context.newPage();
  await page.goto(`${address}/sign-in`);
  await page.fill("form[action='/sign-in'] [name=name]", email);
  await page.fill("form[action='/sign-in'] [name=password]", password);
  await page.click("form[action='/sign-in'] [type=submit]");
  await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  await page.close();
}

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
let pages = 0;
for (const who of [null, ...people]) {
  for (const look of LOOKS) {
    // The page's own policy would keep axe out, as it should keep out everybody else.
    const context = await browser.newContext({ ...look, bypassCSP: true });
    if (who !== null) await signIn(context, who);
    pages = Math.max(pages, await walk(context, look, who === null ? BY_MAIL : ["/account/security", "/admin/books", "/admin"]));
    await context.close();
  }
}
await browser.close();
for (const line of [...findings.values()].sort()) console.log(line);
console.log(`${looked} looks at up to ${pages} pages by ${people.length + 1} kinds of people: ${findings.size} violations`);
process.exit(findings.size === 0 && looked >= 40 ? 0 : 1);
