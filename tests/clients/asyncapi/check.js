// Parses an AsyncAPI document, and writes a TypeScript model of each of its schemas: node check.js FILE FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { TypeScriptGenerator } from "@asyncapi/modelina";
import { Parser } from "@asyncapi/parser";
import { load } from "js-yaml";

const [file, folder] = process.argv.slice(2);
const text = readFileSync(file, "utf8");

const start = Date.now();
const { document, diagnostics } = await new Parser().parse(text);
const problems = diagnostics.filter((each) => each.code !== "asyncapi-latest-version");
for (const problem of problems) console.error(`${problem.path.join("/")}: ${problem.message}`);
console.log(`parsed ${document?.operations().length} operations in ${(Date.now() - start) / 1000} s`);

const generator = new TypeScriptGenerator({ modelType: "interface" });
const models = await generator.generateCompleteModels(load(text), { moduleSystem: "ESM", exportType: "named" });
for (const model of models) writeFileSync(join(folder, `${model.modelName}.ts`), model.result);
const anonymous = models.map((model) => model.modelName).filter((name) => name.startsWith("Anonymous"));
console.log(`${models.length} models, without a name: ${anonymous.length}`);
process.exitCode = document && !problems.length && !anonymous.length ? 0 : 1;
