// Answers what the Go tests of this folder ask: one JSON object a line comes in, one goes out.
//
// {"ask": NAME, ...} is answered by the function of that name. What a library refuses is {"refused": WHY}; what is
// wrong with the question or with these files is {"failed": WHY}, so that no mistake of ours passes for a refusal.
import {createInterface} from 'node:readline';
import * as integrity from './integrity.mjs';
import * as keys from './keys.mjs';
import * as schemas from './schemas.mjs';
import * as sdjwt from './sdjwt.mjs';
import * as tokens from './tokens.mjs';
import * as vc1 from './vc1.mjs';

const known = {...integrity, ...keys, ...schemas, ...sdjwt, ...tokens, ...vc1};

for await (const line of createInterface({input: process.stdin})) {
  let answer;
  try {
    const {ask, ...question} = JSON.parse(line);
    answer = await known[ask](question);
  } catch(error) {
    answer = {failed: String(error.stack ?? error)};
  }
  process.stdout.write(JSON.stringify(answer) + '\n');
}
