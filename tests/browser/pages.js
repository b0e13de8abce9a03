// SPDX-License-Identifier: Apache-2.0
// Opens HTML reports in Chromium as readers do (light and dark, wide and narrow, on paper) and
// speaks TAP about each: axe's rules, loads, errors, overflow, keyboard, print.
// usage: node pages.js CHROMIUM PAGE...
"use strict";
const fs = require("fs");
const path = require("path");
const { chromium } = require("playwright-core");

const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const looks = [];
for (const colorScheme of ["light", "dark"])
  for (const width of [1200, 400]) looks.push({ colorScheme, viewport: { width, height: 900 } });
let n = 0;

function tell(what, complaints) {
  console.log(`${complaints.length ? "not ok" : "ok"} ${++n} - ${what}`);
  for (const line of complaints.slice(0, 10)) console.log(`# ${line.replace(/\s+/g, " ")}`);
}

async function open(browser, file, look) {
  const context = await browser.newContext(look);
  const page = await context.newPage();
  const heard = [];
  page.on("request", (r) => { if (r.url() !== `file://${file}`) heard.push(`loads ${r.url()}`); });
  page.on("console", (m) => { if (m.type() !== "log") heard.push(`${m.type()}: ${m.text()}`); });
  page.on("pageerror", (e) => heard.push(`error: ${e.message}`));
  await page.goto(`file://${file}`);
  return { context, page, heard };
}

async function violations(page) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = true; }));
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run());
  return found.violations.map((v) => `${v.id}: ${v.nodes.length} times, ${v.nodes[0].html}`);
}

async function overflow(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  return over > 0 ? [`${over} pixels wider than the window`] : [];
}

// What Tab reaches, in order, against what ought to be reachable.
async function keyboard(page) {
  const wanted = await page.evaluate(
    () => [...document.querySelectorAll("a[href], summary, [tabindex='0']")]
      .filter((e) => e.checkVisibility()).length);
  const reached = new Set();
  const steps = Math.min(wanted, 60);
  for (let i = 0; i < steps; i++) {
    await page.keyboard.press("Tab");
    reached.add(await page.evaluate(() => {
      const all = [...document.querySelectorAll("*")];
      const style = getComputedStyle(document.activeElement);
      return `${all.indexOf(document.activeElement)} ${style.outlineStyle !== "none"}`;
    }));
  }
  const blind = [...reached].filter((r) => r.endsWith("false"));
  return reached.size < steps ? [`Tab reaches ${reached.size} of ${steps} places`]
    : blind.map((r) => `no focus ring at element ${r.split(" ")[0]}`);
}

async function paper(page) {
  await page.evaluate(() => document.querySelectorAll("details").forEach((d) => { d.open = false; }));
  await page.emulateMedia({ media: "print" });
  const hidden = await page.evaluate(() => [...document.querySelectorAll("details > *")]
    .filter((e) => e.getBoundingClientRect().height === 0 && e.textContent.trim()).length);
  const pdf = await page.pdf({ format: "A4" });
  return (hidden ? [`${hidden} folded parts are not printed`] : [])
    .concat(pdf.length < 1000 ? ["nothing is printed"] : []);
}

async function judge(browser, file) {
  const name = path.basename(file, ".html");
  for (const look of looks) {
    const { context, page, heard } = await open(browser, file, look);
    const how = `${name}, ${look.colorScheme}, ${look.viewport.width} pixels`;
    tell(`${how}: axe finds nothing`, await violations(page));
    tell(`${how}: nothing is cut off, loaded or complained of`,
      heard.concat(await overflow(page)));
    await context.close();
  }
  const { context, page } = await open(browser, file, looks[0]);
  tell(`${name}: the keyboard reaches what can be reached, and shows it`, await keyboard(page));
  tell(`${name}: folded parts are printed`, await paper(page));
  await context.close();
}

(async () => {
  const [executablePath, ...files] = process.argv.slice(2);
  const browser = await chromium.launch({
    executablePath,
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
      "--disable-background-networking", "--disable-component-update"],
  });
  for (const file of files) await judge(browser, path.resolve(file));
  await browser.close();
  console.log(`1..${n}`);
})().catch((e) => { console.log(`not ok ${n + 1} - ${e.message.split("\n")[0]}`); process.exit(1); });
