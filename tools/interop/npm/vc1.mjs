// Credentials of data model 1.1, which others issue and we import: JWTs by did-jwt-vc, Ed25519Signature2020 by Digital
// Bazaar. Their contexts are those that the libraries bring, and one of a board's that the question has.
import * as vc from '@digitalbazaar/vc';
import {createVerifiableCredentialJwt} from 'did-jwt-vc';
import {Ed25519Signature2020} from '@digitalbazaar/ed25519-signature-2020';
import {EdDSASigner, ES256Signer} from 'did-jwt';
import {signerOf} from './keys.mjs';

export async function issueLinked1({document, context, key, now}) {
  const suite = new Ed25519Signature2020({signer: await signerOf(key), date: now});
  const {CONTEXT_URL, CONTEXT} = Ed25519Signature2020;
  const contexts = {[CONTEXT_URL]: CONTEXT, [context.url]: JSON.parse(context.text)};
  const documentLoader = async url => contexts[url] ? {contextUrl: null, documentUrl: url, document: contexts[url], tag: 'static'} :
    vc.defaultDocumentLoader(url);
  return {document: JSON.stringify(await vc.issue({credential: JSON.parse(document), suite, documentLoader, now}))};
}

export async function issueToken1({document, key, alg}) {
  const secret = Buffer.from(key.jwk.d, 'base64url');
  // did-jwt wants both halves of an Ed25519 key.
  const signer = alg === 'ES256' ? ES256Signer(secret) : EdDSASigner(Buffer.concat([secret, Buffer.from(key.jwk.x, 'base64url')]));
  const token = await createVerifiableCredentialJwt(JSON.parse(document), {did: key.kid.split('#')[0], signer, alg}, {header: {kid: key.kid}});
  return {token};
}
