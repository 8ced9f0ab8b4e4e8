// Who typed an order, by the account: what is left on a ward's PC is not signed by the next one there
// (docs/orders.md, Who has ordered).

const ACCOUNTS = "https://altid.dk/fhir/NamingSystem/account";

export const requesterOf = (account) => ({ identifier: { system: ACCOUNTS, value: account } });
