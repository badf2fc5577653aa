// Lets Lighthouse judge pages of a shop, each as a slow telephone sees it (its own defaults):
// lighthouse.mjs ADDRESS NODE_MODULES BROWSER PASSWORD ADMIN
// Says each page's scores and what took points off, and ends with 1 if a score is below what is promised.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [address, modules, browserPath, password, admin] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/x.js`));
const { default: lighthouse } = await import(pathToFileURL(`${modules}/lighthouse/core/index.js`));
const { launch } = await import(pathToFileURL(require.resolve("chrome-launcher")));

const LEAST = 98;
const ALL = ["performance", "accessibility", "best-practices", "seo"];

// What a browser would keep, for one who has no browser yet.
class Jar {
  cookies = new Map();
  header() {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }
  async ask(path, form) {
    const headers = { accept: "text/html", cookie: this.header() };
    if (form) headers["content-type"] = "application/x-www-form-urlencoded";
    const body = form && new URLSearchParams(form).toString();
    const answer = await fetch(address + path, { method: form ? "POST" : "GET", headers, body, redirect: "manual" });
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(";")[0].split(/=(.*)/s);
      this.cookies.set(name, value);
    }
    return { status: answer.status, text: await answer.text() };
  }
}

function first(text, pattern) {
  const found = text.match(pattern);
  if (!found) throw new Error(`a page has no ${pattern}`);
  return found[1];
}

const proof = (page) => first(page.text, /name="csrf" value="([^"]*)"/);

async function must(answer, status) {
  const { status: was, text } = await answer;
  if (was !== status) throw new Error(`${was} instead of ${status}: ${text.slice(0, 300)}`);
}

const guest = new Jar();
const home = await guest.ask("/");
const product = first(home.text, /<h2><a href="(\/p\/[^"]*)"/);
const shelf = first(home.text, /<a href="(\/c\/[^"]*)"/);
const variant = first((await guest.ask(product)).text, /name="add" value="([^"]*)"/);
const cart = await guest.ask(`/cart?add=${variant}`);
await must(guest.ask("/cart/items", { csrf: proof(cart), variant, quantity: "2", more: "1" }), 303);

const keeper = new Jar();
const door = await keeper.ask("/sign-in");
await must(keeper.ask("/sign-in", { csrf: proof(door), name: admin, password, next: "/admin" }), 303);

const PAGES = [
  ["home", "/", new Jar(), ALL],
  ["category", shelf, new Jar(), ALL],
  ["product", product, new Jar(), ALL],
  ["cart", "/cart", guest, ALL],
  ["admin", "/admin", keeper, ["accessibility"]],
  ["orders", "/admin/orders", keeper, ["accessibility"]],
  ["a new product", "/admin/products/new", keeper, ["accessibility"]],
];

const chromeFlags = ["--headless=new", "--no-sandbox", "--disable-gpu"];
const chrome = await launch({ chromePath: browserPath, chromeFlags });
let below = 0;
let lowest = 100;
for (const [name, path, jar, onlyCategories] of PAGES) {
  const extraHeaders = jar.cookies.size > 0 ? { Cookie: jar.header() } : {};
  const { lhr } = await lighthouse(address + path, { port: chrome.port, onlyCategories, extraHeaders });
  const scores = onlyCategories.map((id) => [id, Math.round((lhr.categories[id].score ?? 0) * 100)]);
  console.log(`${name}: ${scores.map(([id, score]) => `${id} ${score}`).join(", ")}`);
  for (const [id, score] of scores) {
    lowest = Math.min(lowest, score);
    if (score >= LEAST) continue;
    below += 1;
    for (const { id: audit, weight } of lhr.categories[id].auditRefs) {
      const { score: part, title, displayValue } = lhr.audits[audit];
      if (weight > 0 && part !== null && part < 1) console.log(`  ${id}: ${title} ${displayValue ?? ""} (${part})`);
    }
  }
}
await chrome.kill();
console.log(`Lighthouse: ${PAGES.length} pages, the lowest score is ${lowest}, ${below} below ${LEAST}`);
process.exit(below > 0 ? 1 : 0);
