// A SAML identity provider that others wrote. One line of JSON on standard input: our metadata, its own key, the
// query that a browser came with, and whom it lets in. Checks our request's signature and prints the response.
import { createInterface } from 'node:readline';
import { createRequire } from 'node:module';

const samlify = createRequire(import.meta.url)('samlify');
samlify.setSchemaValidator({ validate: async () => 'not checked here' });

const [line] = await createInterface({ input: process.stdin })[Symbol.asyncIterator]().next().then((one) => [one.value]);
const given = JSON.parse(line);
const attribute = (name, tag) => ({
  name, valueTag: tag, nameFormat: 'urn:oasis:names:tc:SAML:2.0:attrname-format:basic', valueXsiType: 'xs:string',
});
const template = `<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="{ID}" Version="2.0" IssueInstant="{IssueInstant}" Destination="{Destination}" InResponseTo="{InResponseTo}"><saml:Issuer>{Issuer}</saml:Issuer><samlp:Status><samlp:StatusCode Value="{StatusCode}"/></samlp:Status><saml:Assertion xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" ID="{AssertionID}" Version="2.0" IssueInstant="{IssueInstant}"><saml:Issuer>{Issuer}</saml:Issuer><saml:Subject><saml:NameID Format="{NameIDFormat}">{NameID}</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData NotOnOrAfter="{SubjectConfirmationDataNotOnOrAfter}" Recipient="{SubjectRecipient}" InResponseTo="{InResponseTo}"/></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{ConditionsNotBefore}" NotOnOrAfter="{ConditionsNotOnOrAfter}"><saml:AudienceRestriction><saml:Audience>{Audience}</saml:Audience></saml:AudienceRestriction></saml:Conditions><saml:AuthnStatement AuthnInstant="{IssueInstant}"><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:X509</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>{AttributeStatement}</saml:Assertion></samlp:Response>`;

const provider = samlify.IdentityProvider({
  metadata: given.idp_metadata,
  privateKey: given.key,
  isAssertionEncrypted: given.encrypted,
  dataEncryptionAlgorithm: 'http://www.w3.org/2009/xmlenc11#aes256-gcm',
  keyEncryptionAlgorithm: 'http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p',
  requestSignatureAlgorithm: 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256',
  loginResponseTemplate: {
    context: template,
    attributes: [
      attribute('uid', 'uid'), attribute('cn', 'cn'), attribute('groups', 'group'), attribute('sor', 'sor'),
      attribute('https://data.gov.dk/concept/core/nsis/loa', 'loa'),
    ],
  },
});
const service = samlify.ServiceProvider({ metadata: given.sp_metadata, encPrivateKey: undefined });

const query = Object.fromEntries(new URLSearchParams(given.query));
const octetString = given.query.split('&Signature=')[0];
const asked = await provider.parseLoginRequest(service, 'redirect', { query, octetString });

const consumer = asked.extract.request.assertionConsumerServiceUrl;
const now = Date.now();
const at = (offset) => new Date(now + offset).toISOString();
const answer = await provider.createLoginResponse(service, asked, 'post', {}, {
  encryptThenSign: given.encrypted,
  customTagReplacement(text) {
    const id = `_${crypto.randomUUID()}`;
    const values = {
      ID: id, AssertionID: `_${crypto.randomUUID()}`, Destination: consumer, SubjectRecipient: consumer,
      Audience: given.audience, Issuer: provider.entityMeta.getEntityID(), IssueInstant: at(0),
      StatusCode: 'urn:oasis:names:tc:SAML:2.0:status:Success', ConditionsNotBefore: at(-1000),
      ConditionsNotOnOrAfter: at(300000), SubjectConfirmationDataNotOnOrAfter: at(300000),
      NameIDFormat: 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent', NameID: given.person.subject,
      InResponseTo: asked.extract.request.id, AuthnStatement: '',
      attrUid: given.person.uid, attrCn: given.person.cn, attrGroup: given.person.group,
      attrSor: given.person.sor, attrLoa: given.person.loa,
    };
    return { id, context: samlify.SamlLib.replaceTagsByValue(text, values) };
  },
});
console.log(JSON.stringify({ response: answer.context, request_id: asked.extract.request.id }));
