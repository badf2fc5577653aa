// Somebody buys by card in a real browser: cards.mjs ADDRESS NODE_MODULES BROWSER STRIPE SECRET_KEY
// Stripe's hosts are played here, inside the browser's own network: a script of ours in the place of Stripe's, which has
// a frame of js.stripe.com ask api.stripe.com for a token, as Stripe's does; behind api.stripe.com stands localstripe
// (STRIPE). The Content-Security-Policy is the shop's own, and kept by the browser. Stripe's own script was not run.
// Prints a line for each thing seen.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [address, modules, browserPath, stripe, secret] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/x.js`));
const { chromium } = require("playwright-core");

const FINE = "4242424242424242";
const REFUSED = "4000000000000341";
const WITH_PROOF = "4000002500003155";

function seen(what, isSo) {
  console.log(`${isSo ? "seen" : "NOT SEEN"}: in a browser, ${what}`);
}

// As much of Stripe.js as the page uses.
const SCRIPT = `
window.Stripe = (key) => {
  let frame;
  const card = {
    mount(place) {
      frame = document.createElement("iframe");
      frame.src = "https://js.stripe.com/v3/card.html#" + key;
      frame.title = "Card";
      document.querySelector(place).append(frame);
    },
    on() {},
  };
  return {
    elements: () => ({ create: () => card }),
    createPaymentMethod: () => new Promise((resolve) => {
      addEventListener("message", (event) => {
        if (event.origin === "https://js.stripe.com") resolve(event.data);
      }, { once: true });
      frame.contentWindow.postMessage("token", "*");
    }),
  };
};`;

const FRAME = `<!doctype html><title>Card</title><input id="number" aria-label="Card number"><script>
addEventListener("message", async (event) => {
  const form = new URLSearchParams({ type: "card", key: location.hash.slice(1), "card[number]": number.value,
    "card[exp_month]": "12", "card[exp_year]": "2040", "card[cvc]": "123" });
  const answer = await fetch("https://api.stripe.com/v1/payment_methods", { method: "POST", body: form });
  const made = await answer.json();
  event.source.postMessage(made.error ? { error: made.error } : { paymentMethod: made }, "*");
});
</script>`;

// A browser of somebody, with Stripe and a bank in its network, and all that it asked for.
async function somebody(browser, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(45_000);
  const asked = [];
  const complaints = [];
  context.on("request", (request) => asked.push(`${request.url()} ${request.postData() ?? ""}`));
  context.on("console", (said) => {
    if (said.text().includes("Content Security Policy")) complaints.push(said.text());
  });
  await context.route(/^https:/, (route) => route.abort());
  const html = { contentType: "text/html" };
  await context.route("https://js.stripe.com/v3/", (route) =>
    route.fulfill({ contentType: "text/javascript", body: SCRIPT }));
  await context.route("https://js.stripe.com/v3/card.html", (route) => route.fulfill({ ...html, body: FRAME }));
  await context.route("https://api.stripe.com/**", async (route) => {
    const form = new URLSearchParams(route.request().postData() ?? "");
    form.delete("key");
    const answer = await fetch(stripe + new URL(route.request().url()).pathname, {
      method: "POST", body: form, headers: { authorization: `Bearer ${secret}` },
    });
    const headers = { "access-control-allow-origin": "*" };
    await route.fulfill({ status: answer.status, contentType: "application/json", headers, body: await answer.text() });
  });
  await context.route("https://bank.example/**", async (route) => {
    const page = new URL(route.request().url());
    const intent = page.pathname.slice(1);
    const headers = { authorization: `Bearer ${secret}` };
    const known = await (await fetch(`${stripe}/v1/payment_intents/${intent}`, { headers })).json();
    const proof = new URLSearchParams({ client_secret: known.client_secret, success: "true", key: "pk_test_1" });
    await fetch(`${stripe}/v1/payment_intents/${intent}/_authenticate`, { method: "POST", body: proof });
    const back = `${page.searchParams.get("back")}?payment_intent=${intent}&redirect_status=succeeded`;
    await route.fulfill({ ...html, body: `<!doctype html><title>Bank</title><a href="${back}">It is me</a>` });
  });
  return { context, page: await context.newPage(), asked, complaints };
}

// Sends a form by the button that says this.
async function send(page, action, says) {
  const form = page.locator(`form[action="${action}"]`).first();
  const button = form.getByRole("button", { name: says }).first();
  await Promise.all([page.waitForEvent("load"), button.click()]);
}

// Orders something as a guest, up to where the card is asked for.
async function order(page) {
  await page.goto(`${address}/search?q=a&in_stock=true`);
  await page.click(".cards h2 a");
  await page.click("form.choose button");
  await send(page, "/cart/items", /./);
  await page.click("a[href='/checkout']");
  const email = page.locator('form[action="/checkout"] [name="email"]');
  await email.fill(`gus-${process.pid}@souk.example`);
  await send(page, "/checkout", "Order, and go on to pay");
  return page.url();
}

async function type(page, number) {
  await page.locator("#card-form button:enabled").waitFor();
  await page.frameLocator("#card iframe").locator("#number").fill(number);
}

async function pay(page, number, click = {}) {
  await type(page, number);
  await page.locator("#card-form button").click({ noWaitAfter: true, ...click });
  await page.waitForURL(/\/order\/[^/]+$/);
}

async function says(page, words) {
  const there = page.getByText(words).first();
  return there.waitFor().then(() => true, () => false);
}

async function charged() {
  const headers = { authorization: `Bearer ${secret}` };
  const listed = await (await fetch(`${stripe}/v1/payment_intents?limit=100`, { headers })).json();
  return listed.data.filter((one) => one.status === "succeeded").length;
}

async function buys(browser) {
  const gus = await somebody(browser);
  const before = await charged();
  const place = await order(gus.page);
  seen("the order is in before a card is asked for", /\/order\/[^/]+\/pay$/.test(place));
  await pay(gus.page, REFUSED);
  seen("a refused card is said so on the order's page", await says(gus.page, "was declined"));
  await gus.page.click("a[href$='/pay']");
  await pay(gus.page, FINE, { clickCount: 2 });
  seen("another card pays it, clicked twice", await says(gus.page, "Thank you"));
  seen("and is charged once", (await charged()) === before + 1);
  const told = gus.asked.filter((one) => one.startsWith(address));
  const numbers = [FINE, REFUSED].filter((number) => told.some((one) => one.includes(number)));
  seen("no card's number is sent to the shop", told.length > 0 && numbers.length === 0);
  const hosts = new Set(gus.asked.map((one) => new URL(one.split(" ")[0])).filter((url) => url.protocol === "https:")
    .map((url) => url.host));
  seen("nothing but Stripe's two hosts is asked besides the shop",
    [...hosts].sort().join() === "api.stripe.com,js.stripe.com");
  seen("and the policy has stopped nothing of it", gus.complaints.length === 0);
  await gus.context.close();
}

async function proves(browser) {
  const gus = await somebody(browser);
  await order(gus.page);
  await pay(gus.page, WITH_PROOF);
  seen("a bank that wants a proof is led to", await says(gus.page, "wants to be sure"));
  await gus.page.click("text=Go on to your bank");
  await gus.page.click("text=It is me");
  await gus.page.waitForURL(/\/order\//);
  seen("and leads back to the order, which is paid", await says(gus.page, "Thank you"));
  seen("without Stripe's secrets in the address", !gus.page.url().includes("payment_intent"));
  await gus.context.close();
}

// Whether a page may load a script from there.
async function loads(page, from) {
  return page.evaluate((src) => new Promise((resolve) => {
    const script = document.createElement("script");
    Object.assign(script, { src, onload: () => resolve(true), onerror: () => resolve(false) });
    document.head.append(script);
  }), from);
}

async function isBound(browser) {
  const gus = await somebody(browser);
  await gus.context.route("https://evil.example/**", (route) =>
    route.fulfill({ contentType: "text/javascript", body: "" }));
  const place = await order(gus.page);
  await gus.page.locator("#card-form button:enabled").waitFor();
  const isOpen = await loads(gus.page, "https://js.stripe.com/v3/");
  seen("the page runs Stripe's script and nobody else's", isOpen && !(await loads(gus.page, "https://evil.example/x.js")));
  const asked = gus.page.evaluate(() => fetch("https://evil.example/").then(() => true, () => false));
  seen("and tells nobody else anything", !(await asked));
  await gus.page.goto(place.replace(/\/pay$/, ""));
  seen("no other page runs it", !(await loads(gus.page, "https://js.stripe.com/v3/")));
  await gus.context.close();
  const plain = await somebody(browser, { javaScriptEnabled: false });
  await order(plain.page);
  const isDead = await plain.page.locator("#card-form button").isDisabled();
  // No search by text looks into a noscript.
  const missing = plain.page.locator("noscript .form-error");
  const isSaid = (await missing.isVisible()) && (await missing.textContent()).includes("needs JavaScript");
  seen("without JavaScript the page says what is missing", isDead && isSaid);
  await plain.context.close();
  const cut = await somebody(browser);
  await cut.context.route("https://js.stripe.com/v3/", (route) => route.abort());
  await order(cut.page);
  seen("and without Stripe's script as well", await says(cut.page, "could not be loaded"));
  await cut.context.close();
}

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
for (const walk of [buys, proves, isBound]) {
  await walk(browser).catch((error) => seen(`${walk.name}: ${error.message.split("\n")[0]}`, false));
}
await browser.close();
