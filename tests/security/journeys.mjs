// What people do on the pages, from its first click to its end, in a real browser:
// journeys.mjs ADDRESS NODE_MODULES BROWSER PASSWORD ADMIN
// Each with and without scripts, on a wide screen and on a telephone. Says what was not as it should be, and ends with 1
// if that is anything. The shop has the demo catalog, and nobody else is in it.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const [address, modules, browserPath, password, admin] = process.argv.slice(2);
const require = createRequire(pathToFileURL(`${modules}/x.js`));
const { chromium } = require("playwright-core");

const SCREENS = [
  { viewport: { width: 1280, height: 800 } },
  { viewport: { width: 390, height: 844 } },
];

let turn = 0;
const fresh = (name) => `${name}-${process.pid}-${(turn += 1)}`;

function check(holds, what) {
  if (!holds) throw new Error(what);
}

async function see(page, words) {
  const text = await page.textContent("body");
  check(text.includes(words), `“${words}” is not on ${page.url()}`);
}

// Fills in the form that leads there; answers it.
async function fill(page, action, values) {
  const inside = page.locator(`form[action="${action}"]`).first();
  const folded = inside.locator("xpath=ancestor::details[not(@open)]/summary");
  if ((await folded.count()) > 0) await folded.first().click();
  for (const [name, value] of Object.entries(values)) {
    const field = inside.locator(`[name="${name}"]`).first();
    if (value === true) await field.check();
    else if ((await field.evaluate((one) => one.tagName)) === "SELECT") await field.selectOption(value);
    else await field.fill(value);
  }
  return inside;
}

// The button that ends a form, and not one that only shows what something would cost.
function button(inside) {
  return inside.locator('[type=submit]:not([name="step"])').first();
}

// Sends it, as somebody does who clicks its button.
async function send(page, action, values = {}) {
  const inside = await fill(page, action, values);
  await Promise.all([page.waitForEvent("load"), button(inside).click()]);
}

async function signIn(page, email) {
  await page.goto(`${address}/sign-in`);
  await send(page, "/sign-in", { name: email, password });
  check(!page.url().includes("/sign-in"), `${email} is not signed in`);
}

async function fillCart(page) {
  await page.goto(`${address}/search?q=a&in_stock=true`);
  await page.click(".cards h2 a");
  await page.click("form.choose button");
  await send(page, "/cart/items");
  await page.click("a[href='/checkout']");
}

// The address of a shop that ships wants one; others show no such fields.
async function toWhom(page) {
  const fields = { name: "Ann Bell", line1: "1 Tea Lane", city: "London", postcode: "N1 1AA", country: "GB" };
  const values = {};
  for (const [name, value] of Object.entries(fields)) {
    if ((await page.locator(`form[action="/checkout"] [name="${name}"]`).count()) > 0) values[name] = value;
  }
  return values;
}

const journeys = {
  async "a guest buys"(page) {
    await fillCart(page);
    await send(page, "/checkout", { email: `${fresh("gus")}@souk.example`, ...(await toWhom(page)) });
    await see(page, "Thank you");
  },

  async "somebody registers, buys, and calls it off"(page) {
    await page.goto(`${address}/register-account`);
    const email = `${fresh("bea")}@souk.example`;
    await send(page, "/register-account", { email, name: "Bea", password });
    await fillCart(page);
    await send(page, "/checkout", await toWhom(page));
    await see(page, "Thank you");
    const order = new URL(page.url()).pathname;
    await send(page, `${order}/cancel`, { confirm: true });
    await see(page, "is called off");
    await page.goto(`${address}/account`);
    await see(page, "Cancelled");
  },

  async "nothing is left to go back to after the sign-out"(page) {
    await signIn(page, admin);
    await page.goto(`${address}/admin/customers`);
    await see(page, "Customers");
    await send(page, "/sign-out");
    await page.goBack().catch(() => null);
    await page.reload();
    check(!(await page.textContent("body")).includes(admin), "the page of before is shown again");
  },

  async "an order is sent, part of its money goes back"(page) {
    await signIn(page, admin);
    await fillCart(page);
    await send(page, "/checkout", await toWhom(page));
    const id = new URL(page.url()).pathname.split("/").pop();
    const here = `${address}/admin/orders/${id}`;
    await page.goto(here);
    await send(page, `/admin/orders/${id}/ship`, { tracking: "RR-1" });
    await see(page, "It is sent");
    await send(page, `/admin/orders/${id}/refund`, { amount: "0.50", reason: "a scratch", confirm: true });
    await see(page, "-$0.50");
    await page.reload();
    check((await page.textContent("body")).split("-$0.50").length === 2, "a reload gives back again");
  },

  async "a product is made, and two who change it see both sides' words"(page) {
    await signIn(page, admin);
    await page.goto(`${address}/admin/products/new`);
    await send(page, "/admin/products/new", { name: fresh("Journey tea"), price: "4.50", stock: "3" });
    const here = page.url().split("?")[0];
    const path = new URL(here).pathname;
    const other = await page.context().newPage();
    await other.goto(here);
    await page.goto(here);
    await send(other, path, { name: "Theirs", price: "9.00" });
    await see(other, "Saved");
    await send(page, path, { name: "Mine" });
    await see(page, "somebody else was faster");
    await see(page, "Theirs, saved now");
    await send(page, path);
    await see(page, "Saved");
    check((await page.inputValue("#edit-name")) === "Mine", "what was kept is not there");
    check((await page.inputValue("#edit-price")) === "9.00", "what was not touched is not as it was left");
    await other.close();
  },

  async "two who change one variant see both sides' words"(page) {
    await signIn(page, admin);
    await page.goto(`${address}/admin/products/new`);
    await send(page, "/admin/products/new", { name: fresh("Journey shirt"), price: "20.00", stock: "3" });
    const path = new URL(page.url()).pathname;
    await send(page, `${path}/options`, { "options/0/name": "Size", "options/0/values": "S\nM" });
    await see(page, "Saved");
    await send(page, `${path}/variants`, { "options/Size": "M", price: "25.00", stock: "2" });
    await see(page, "The variant is added");
    const edit = await page.locator("a", { hasText: "edit M" }).getAttribute("href");
    const here = `${address}${edit}`;
    const other = await page.context().newPage();
    await other.goto(here);
    await page.goto(here);
    await send(other, edit, { sku: fresh("THEIRS") });
    await see(other, "Saved");
    const mine = fresh("MINE");
    await send(page, edit, { sku: mine, price: "26.00" });
    await see(page, "somebody else was faster");
    await send(page, edit);
    await see(page, "Saved");
    check((await page.inputValue("#edit-sku")) === mine, "what was kept is not there");
    check((await page.inputValue("#edit-price")) === "26.00", "the price is not the one that was typed");
    await send(page, `${edit}/remove`, { confirm: true });
    await see(page, "sold no more");
    await other.close();
  },

  async "the last piece goes while somebody is at the checkout"(page) {
    await signIn(page, admin);
    await page.goto(`${address}/admin/products/new`);
    const name = fresh("Last lamp");
    await send(page, "/admin/products/new", { name, price: "9.00", stock: "1", status: "active" });
    const stock = await page.locator("a[href^='/admin/inventory/']").first().getAttribute("href");
    const shop = await page.locator("a[href^='/p/']").first().getAttribute("href");
    const buyer = await page.context().browser().newContext({ viewport: page.viewportSize() });
    const buying = await buyer.newPage();
    await buying.goto(`${address}${shop}`);
    await buying.click("form.choose button");
    await send(buying, "/cart/items");
    await buying.click("a[href='/checkout']");
    await page.goto(`${address}${stock}`);
    await send(page, `${stock}/adjust`, { delta: "-1", reason: "sold over the counter" });
    await see(page, "The stock is changed");
    await send(buying, "/checkout", { email: `${fresh("gus")}@souk.example`, ...(await toWhom(buying)) });
    await see(buying, "Nothing was ordered");
    await see(buying, "sold out");
    check(new URL(buying.url()).pathname === "/checkout", "the buyer is led elsewhere");
    await buyer.close();
  },

  async "a webhook is told again of what was"(page) {
    await signIn(page, admin);
    await page.goto(`${address}/admin/developers`);
    await send(page, "/admin/developers/webhooks", { url: "https://hooks.souk.example/", "type.order.paid": true });
    const link = page.locator("a[href^='/admin/developers/webhooks/']").last();
    const here = await link.getAttribute("href");
    await fillCart(page);
    await send(page, "/checkout", await toWhom(page));
    await see(page, "Thank you");
    await page.goto(`${address}${here}`);
    await send(page, `${here}/replay`, { since: "2026-01-01T00:00" });
    await see(page, "What was asked for is told again");
    for (let looks = 0; looks < 100 && !(await page.textContent("main")).includes("Once more"); looks += 1) {
      await page.waitForTimeout(200);
      await page.goto(`${address}${here}`);
    }
    await see(page, "Once more");
    await send(page, `${here}/delete`, { confirm: true });
  },

  async "an order's page moves by itself"(page, hasScripts) {
    await signIn(page, admin);
    await fillCart(page);
    await send(page, "/checkout", await toWhom(page));
    const id = new URL(page.url()).pathname.split("/").pop();
    await page.goto(`${address}/order/${id}`);
    await page.locator(".badge", { hasText: "Paid" }).waitFor();
    const staff = await page.context().newPage();
    await staff.goto(`${address}/admin/orders/${id}`);
    await send(staff, `/admin/orders/${id}/ship`);
    await see(staff, "It is sent");
    await staff.close();
    if (hasScripts) {
      await page.locator(".badge", { hasText: "Shipped" }).waitFor();
      check((await page.textContent("#said")).includes("Shipped"), "nobody is told who does not see it");
      const times = await page.locator("time[title$=UTC]").allTextContents();
      check(times.length > 0 && times.every((time) => !time.endsWith("UTC")), "times are not the reader's");
    } else {
      check((await page.content()).includes('http-equiv="refresh"'), "nothing would make it come again");
    }
  },

  async "the search box says what there is of what is typed"(page, hasScripts) {
    await page.goto(`${address}/`);
    await page.locator("#q").pressSequentially("lanter");
    if (hasScripts) {
      const first = page.locator("#suggested option").first();
      await first.waitFor({ state: "attached" });
      const chosen = await first.getAttribute("value");
      check(chosen.toLowerCase().includes("lantern"), `“${chosen}” is suggested`);
      // As a browser tells of a choice from its own list, which is no part of the page.
      await page.locator("#q").evaluate((box, text) => {
        box.value = text;
        box.dispatchEvent(new Event("input", { bubbles: true }));
      }, chosen);
      await page.waitForURL(/\/[cp]\//);
    } else {
      await page.locator("#q").press("Enter");
      await page.waitForURL(/\/search\?q=lanter/);
    }
    await see(page, "antern");
  },

  async "a form that is clicked twice is one order"(page) {
    await signIn(page, admin);
    await fillCart(page);
    const form = await fill(page, "/checkout", await toWhom(page));
    await button(form).dblclick({ noWaitAfter: true });
    await page.waitForURL(/\/order\//);
    const order = new URL(page.url()).pathname;
    await page.goto(`${address}/account`);
    const newest = await page.locator("a[href^='/order/']").evaluateAll((all) => all.map((a) => a.getAttribute("href")));
    check(newest.filter((href) => href === order).length === 1, "the order is not there once");
    await page.goto(`${address}/cart`);
    await see(page, "There is nothing in it yet");
  },
};

const browser = await chromium.launch({
  executablePath: browserPath,
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
let walked = 0;
const failures = [];
for (const [name, walk] of Object.entries(journeys)) {
  for (const screen of SCREENS) {
    for (const javaScriptEnabled of [true, false]) {
      const context = await browser.newContext({ ...screen, javaScriptEnabled });
      context.setDefaultTimeout(15_000);
      const page = await context.newPage();
      walked += 1;
      try {
        await walk(page, javaScriptEnabled);
      } catch (error) {
        const how = `${screen.viewport.width} px, scripts ${javaScriptEnabled ? "on" : "off"}`;
        failures.push(`${name} (${how}): ${error.message.split("\n")[0]}`);
      }
      await context.close();
    }
  }
}
await browser.close();
for (const line of failures) console.log(line);
console.log(`${walked} journeys: ${failures.length} that did not end well`);
process.exit(failures.length === 0 && walked >= 44 ? 0 : 1);
