// Data Integrity, JSON-LD and status lists by Digital Bazaar's libraries. Contexts are files of the repository; there is
// no network. Documents come and go as text.
import * as jcs from '@digitalbazaar/eddsa-jcs-2022-cryptosuite';
import * as vc from '@digitalbazaar/vc';
import {checkStatus, createCredential, createList} from '@digitalbazaar/vc-bitstring-status-list';
import {cryptosuite as rdfc} from '@digitalbazaar/eddsa-rdfc-2022-cryptosuite';
import {named} from '@digitalbazaar/credentials-context';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import jsonld from 'jsonld';
import jsigs from 'jsonld-signatures';
import {join} from 'node:path';
import {readFileSync} from 'node:fs';
import {resolve, signerOf} from './keys.mjs';

const folder = join(process.argv[2], 'credentials', 'rdfc', 'contexts');
const contexts = new Map([
  ['https://www.w3.org/ns/credentials/v2', 'credentials-v2.jsonld'],
  ['urn:countersign:context:1', 'countersign-1.jsonld'],
].map(([url, file]) => [url, JSON.parse(readFileSync(join(folder, file), 'utf8'))]));
const undefinedTerms = named.get('undefined-terms-v2'); // of tokens, which we read without JSON-LD
contexts.set(undefinedTerms.id, undefinedTerms.context);

// loader finds contexts, did:keys, and the status lists of one question.
function loader(lists = {}) {
  return async url => {
    const document = contexts.get(url) ??
      (url.startsWith('did:key:') ? await resolve(url) : url in lists ? JSON.parse(lists[url]) : undefined);
    if(!document) {
      throw new Error(`nothing to be loaded from ${url}`);
    }
    return {contextUrl: null, documentUrl: url, document: structuredClone(document), tag: 'static'};
  };
}

const verifying = () => [
  new DataIntegrityProof({cryptosuite: jcs.createVerifyCryptosuite()}),
  new DataIntegrityProof({cryptosuite: rdfc}),
];

// why gathers the messages of errors within errors.
function why(error) {
  const all = [error?.message, error?.details?.event?.code, ...[error?.errors, error?.cause, Array.isArray(error) ? error : null].flat().filter(Boolean).map(why)];
  return all.filter(Boolean).join(': ') || String(error);
}

function verdict(result) {
  if(result.verified) {
    return {verified: true, statuses: result.statusResult?.results?.map(r => r.status)};
  }
  return {refused: [result, result.presentationResult, result.statusResult, ...(result.credentialResults ?? [])]
    .filter(r => r && !r.verified && r.error).map(r => why(r.error)).join('; ') || 'not verified'};
}

export async function verifyCredential({document, now, lists}) {
  const suite = verifying();
  const documentLoader = loader(lists);
  return verdict(await vc.verifyCredential({credential: JSON.parse(document), suite, documentLoader, now,
    checkStatus: ({credential}) => checkStatus({credential, documentLoader, suite})}));
}

export async function verifyPresentation({document, challenge, domain, now}) {
  const presentation = JSON.parse(document);
  try {
    return verdict(await vc.verify({presentation, suite: verifying(), documentLoader: loader(), challenge, domain, now}));
  } catch(error) { // a bad form it does not answer, it throws
    return {refused: why(error)};
  }
}

async function signing({suite, key, now}) {
  const cryptosuite = suite === rdfc.name ? rdfc : jcs.createSignCryptosuite();
  return new DataIntegrityProof({signer: await signerOf(key), date: now, cryptosuite});
}

export async function issueCredential({document, now, ...how}) {
  const suite = await signing({...how, now});
  return {document: JSON.stringify(await vc.issue({credential: JSON.parse(document), suite, documentLoader: loader(), now}))};
}

// addProof signs again what has a proof already: a set.
export async function addProof({document, ...how}) {
  const suite = await signing(how);
  const purpose = new jsigs.purposes.AssertionProofPurpose();
  return {document: JSON.stringify(await jsigs.sign(JSON.parse(document), {suite, purpose, documentLoader: loader()}))};
}

export async function signPresentation({document, challenge, domain, ...how}) {
  const suite = await signing(how);
  return {document: JSON.stringify(await vc.signPresentation(
    {presentation: JSON.parse(document), suite, challenge, domain, documentLoader: loader()}))};
}

// makeList is the subject of a status list with these bits set.
export async function makeList({url, purpose, length, set}) {
  const list = await createList({length});
  for(const i of set) {
    list.setStatus(i, true);
  }
  const {credentialSubject} = await createCredential({id: url, list, statusPurpose: purpose});
  return {document: JSON.stringify(credentialSubject)};
}

// statements are what JSON-LD in safe mode makes of a document: canonical N-Quads.
export async function statements({document}) {
  try {
    return {text: await jsonld.canonize(JSON.parse(document), {algorithm: 'RDFC-1.0', format: 'application/n-quads',
      documentLoader: loader(), safe: true, base: null})};
  } catch(error) {
    return {refused: why(error)};
  }
}
