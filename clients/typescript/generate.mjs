// Makes src/api.ts, the types of the whole API, of the shop's own document. `npm install` runs it; `--check` only says
// whether what was made is of the document as it is now.

import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const documentAt = new URL("../../docs/openapi.json", import.meta.url);
const madeAt = new URL("./src/api.ts", import.meta.url);

const text = readFileSync(documentAt, "utf8");
const mark = `// Made of docs/openapi.json, sha256 ${createHash("sha256").update(text).digest("hex")}: do not edit.`;

if (process.argv.includes("--check")) {
  const made = readFileSync(madeAt, "utf8");
  if (!made.startsWith(mark)) {
    console.error("src/api.ts is not of docs/openapi.json as it is now: `npm run generate`");
    process.exit(1);
  }
} else {
  const { default: openapiTypescript, astToString } = await import("openapi-typescript");
  const types = await openapiTypescript(JSON.parse(text));
  writeFileSync(madeAt, `${mark}\n\n${astToString(types)}`);
  console.log(`${fileURLToPath(madeAt)}: made`);
}
