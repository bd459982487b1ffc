// SD-JWT by the OpenWallet Foundation's @sd-jwt/core.
import {createHash} from 'node:crypto';
import {jwkOf, rawSigner, rawVerifier} from './keys.mjs';
import {SDJwtInstance} from '@sd-jwt/core';

const hasher = (data, alg) => new Uint8Array(createHash(alg.replace('-', '')).update(Buffer.from(data)).digest());

const kidOf = sdjwt => JSON.parse(Buffer.from(sdjwt.split('.')[0], 'base64url')).kid;

// verifySDJWT wants a key binding where a challenge was given, as @sd-jwt/core has it.
export async function verifySDJWT({sdjwt, challenge, now}) {
  try {
    const instance = new SDJwtInstance({hasher, verifier: rawVerifier(await jwkOf(kidOf(sdjwt))),
      kbVerifier: (data, sig, payload) => rawVerifier(payload.cnf.jwk)(data, sig)});
    const got = await instance.verify(sdjwt, {keyBindingNonce: challenge, currentDate: Math.floor(new Date(now) / 1000)});
    return {verified: true, payload: JSON.stringify(got.payload), binding: got.kb?.payload};
  } catch(error) {
    return {refused: error.message};
  }
}

// issueSDJWT conceals these members of the subject. The salts repeat, for a test.
export async function issueSDJWT({payload, header, jwk, withhold}) {
  let salts = 0;
  const instance = new SDJwtInstance({hasher, hashAlg: 'sha-256', signer: rawSigner(jwk), signAlg: header.alg, omitTyp: true,
    saltGenerator: () => createHash('sha256').update(`salt ${++salts}`).digest().subarray(0, 16).toString('base64url')});
  return {sdjwt: await instance.issue(JSON.parse(payload), {credentialSubject: {_sd: withhold}}, {header})};
}

// presentSDJWT shows these members of the subject.
export async function presentSDJWT({sdjwt, show, binding, jwk, alg}) {
  const instance = new SDJwtInstance({hasher, kbSigner: rawSigner(jwk), kbSignAlg: alg});
  const frame = {credentialSubject: Object.fromEntries(show.map(name => [name, true]))};
  return {sdjwt: await instance.present(sdjwt, frame, {kb: {payload: binding}})};
}
