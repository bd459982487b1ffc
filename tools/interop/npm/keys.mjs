// Keys, by Digital Bazaar's reading of did:key and of Multikeys. Private ones come as JWK and are public test keys.
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as Ed25519Multikey from '@digitalbazaar/ed25519-multikey';
import {createPrivateKey, createPublicKey, sign, verify} from 'node:crypto';
import {exportJWK, importJWK} from 'jose';
import {driver} from '@digitalbazaar/did-method-key';
import {driver as webDriver} from '@digitalbazaar/did-method-web';

const dids = driver();
dids.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from});
dids.use({multibaseMultikeyHeader: 'zDna', fromMultibase: EcdsaMultikey.from});

// resolve is the document of a did:key, or one key of it where the URL has a fragment.
export async function resolve(url) {
  const found = await dids.get({url});
  if(found.id !== url) {
    throw new Error(`${url} resolves to ${found.id}`);
  }
  return found;
}

// jwkOf is the public key that a DID URL names.
export async function jwkOf(kid) {
  const {publicKeyMultibase} = await resolve(kid);
  const from = publicKeyMultibase.startsWith('zDna') ? EcdsaMultikey : Ed25519Multikey;
  return from.toJwk({keyPair: await from.from({type: 'Multikey', publicKeyMultibase})});
}

// signerOf signs Data Integrity proofs.
export async function signerOf({kid, jwk}) {
  const pair = await Ed25519Multikey.fromJwk({jwk, secretKey: true, id: kid, controller: kid.split('#')[0]});
  return pair.signer();
}

const how = jwk => jwk.kty === 'EC' ? {hash: 'sha256', dsaEncoding: 'ieee-p1363'} : {hash: null};

// rawSigner and rawVerifier are what @sd-jwt/core wants: it brings no cryptography of its own.
export function rawSigner(jwk) {
  const {hash, ...more} = how(jwk);
  const key = createPrivateKey({key: jwk, format: 'jwk'});
  return data => sign(hash, Buffer.from(data), {key, ...more}).toString('base64url');
}

export function rawVerifier(jwk) {
  const {hash, ...more} = how(jwk);
  const key = createPublicKey({key: jwk, format: 'jwk'});
  return (data, sig) => verify(hash, Buffer.from(data), {key, ...more}, Buffer.from(sig, 'base64url'));
}

// webDocument is the did:web document of a key as Digital Bazaar's driver writes it, or with the key as a JWK by jose.
export async function webDocument({url, jwk, form}) {
  const Multikey = jwk.kty === 'EC' ? EcdsaMultikey : Ed25519Multikey;
  const verificationKeyPair = await Multikey.fromJwk({jwk});
  const web = webDriver({allowList: [new URL(url).host]});
  web.use({multibaseMultikeyHeader: 'z6Mk', fromMultibase: Ed25519Multikey.from});
  web.use({multibaseMultikeyHeader: 'zDna', fromMultibase: EcdsaMultikey.from});
  const {didDocument} = await web.fromKeyPair({url, verificationKeyPair});
  if(form === 'JsonWebKey') {
    const [method] = didDocument.verificationMethod;
    delete method.publicKeyMultibase;
    Object.assign(method, {type: form, publicKeyJwk: await exportJWK(await importJWK({...jwk, d: undefined}, jwk.kty === 'EC' ? 'ES256' : 'EdDSA'))});
  }
  return {document: JSON.stringify(didDocument)};
}
