// Our JSON Schemas by ajv, which reads them in its strict mode.
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import {join} from 'node:path';
import {readdirSync, readFileSync} from 'node:fs';

const folder = join(process.argv[2], 'docs', 'json');
const ajv = new Ajv({strict: true, allErrors: true});
addFormats(ajv);
for(const file of readdirSync(folder).filter(name => name.endsWith('.json'))) {
  ajv.addSchema(JSON.parse(readFileSync(join(folder, file), 'utf8')));
}

export function holdAgainstSchema({document}) {
  const parsed = JSON.parse(document);
  const validate = ajv.getSchema(parsed.credentialSchema.id);
  if(validate(parsed)) {
    return {verified: true};
  }
  return {refused: ajv.errorsText(validate.errors)};
}
