// Signed tokens by jose.
import {CompactSign, importJWK, jwtVerify} from 'jose';
import canonicalize from 'canonicalize';
import {jwkOf} from './keys.mjs';

// verifyToken looks the key up by the token's kid. Which algorithm a key has, its JWK says; importJWK takes it from the
// header, so both are accepted here and jose holds key and header against each other.
export async function verifyToken({token, typ, audience, now}) {
  try {
    const key = async ({kid, alg}) => importJWK(await jwkOf(kid), alg);
    const {payload, protectedHeader} = await jwtVerify(token, key,
      {typ, audience, algorithms: ['EdDSA', 'ES256'], currentDate: new Date(now)});
    return {verified: true, payload: JSON.stringify(payload), header: protectedHeader};
  } catch(error) {
    return {refused: `${error.code ?? error.name}: ${error.message}`};
  }
}

// signToken signs the payload in canonical JSON (RFC 8785), or as it came.
export async function signToken({payload, header, jwk, asItIs}) {
  const text = asItIs ? payload : canonicalize(JSON.parse(payload));
  const key = await importJWK(jwk, header.alg);
  return {token: await new CompactSign(Buffer.from(text)).setProtectedHeader(header).sign(key)};
}

// canonical is RFC 8785 of each text.
export function canonical({texts}) {
  return {texts: texts.map(text => canonicalize(JSON.parse(text)))};
}
