// The patient's overview as it is built of React components: it asks the FHIR interface for each part, and shows
// all when they are there. Only the benchmark uses it.
import React, { useEffect, useMemo, useState } from "react";
import { createRoot } from "react-dom/client";
import {
  Accordion, AccordionDetails, AccordionSummary, Alert, AppBar, Box, Chip, CssBaseline, Grid, Paper, Tab, Table,
  TableBody, TableCell, TableHead, TableRow, Tabs, TextField, ThemeProvider, Toolbar, Typography, createTheme,
} from "@mui/material";

const patient = location.pathname.split("/").pop();
const PARTS = {
  person: `Patient/${patient}`,
  allergies: `AllergyIntolerance?patient=${patient}`,
  drugs: `MedicationRequest?patient=${patient}&_include=MedicationRequest:medication&_count=100`,
  given: `MedicationAdministration?patient=${patient}&_sort=-effective-time&_count=100`,
  vitals: `Observation?patient=${patient}&category=vital-signs&_sort=-date&_count=100`,
  results: `Observation?patient=${patient}&category=laboratory&_sort=-date&_count=160`,
  problems: `Condition?patient=${patient}`,
  requests: `ServiceRequest?patient=${patient}`,
  appointments: `Appointment?patient=${patient}`,
  stays: `Encounter?patient=${patient}`,
  notes: `DocumentReference?patient=${patient}&_sort=-date&_count=12`,
};
const theme = createTheme({ palette: { primary: { main: "#00513a" } }, typography: { fontSize: 13 } });

const words = (concept) => concept?.text ?? concept?.coding?.[0]?.display ?? concept?.coding?.[0]?.code ?? "ikke oplyst";
const listed = (bundle, type) => (bundle?.entry ?? []).map((each) => each.resource).filter((each) => each.resourceType === type);
const time = (moment) => (moment ? new Date(moment).toLocaleString("da-DK", { dateStyle: "medium", timeStyle: "short" }) : "ikke oplyst");
const value = (one) => one.valueQuantity?.value?.toLocaleString("da-DK") ?? words(one.valueCodeableConcept);

async function ask(path) {
  const answer = await fetch(`/fhir/${path}`, { headers: { Accept: "application/fhir+json" } });
  if (!answer.ok) throw new Error(`FHIR ${answer.status}`);
  return answer.json();
}

function Course({ values }) {
  if (values.length < 2) return null;
  const low = Math.min(...values), high = Math.max(...values), span = high - low || 1;
  const points = values.map((each, at) => `${(at * 160) / (values.length - 1)},${36 - ((each - low) / span) * 32}`);
  return <svg width="168" height="40"><polyline points={points.join(" ")} fill="none" stroke="currentColor" /></svg>;
}

function Section({ title, count, children }) {
  return (
    <Paper variant="outlined" sx={{ p: 1.5, mb: 1.5 }}>
      <Typography variant="h6">{title} {count !== undefined && <Chip size="small" label={count} />}</Typography>
      {children}
    </Paper>
  );
}

function Rows({ heads, rows }) {
  return (
    <Table size="small">
      <TableHead><TableRow>{heads.map((head) => <TableCell key={head}>{head}</TableCell>)}</TableRow></TableHead>
      <TableBody>
        {rows.map((row, number) => <TableRow key={number} hover>{row.map((cell, at) => <TableCell key={at}>{cell}</TableCell>)}</TableRow>)}
      </TableBody>
    </Table>
  );
}

function Measured({ title, observations }) {
  const groups = useMemo(() => {
    const found = new Map();
    for (const one of observations) {
      const name = words(one.code);
      found.set(name, [...(found.get(name) ?? []), one]);
    }
    return [...found];
  }, [observations]);
  const rows = groups.map(([name, some]) => [
    <b>{name}</b>,
    <>{value(some[0])} {some[0].valueQuantity?.unit}<br />{time(some[0].effectiveDateTime)}</>,
    words(some[0].interpretation?.[0]),
    some[1] && <>{value(some[1])}<br />{time(some[1].effectiveDateTime)}</>,
    <Course values={some.map((one) => one.valueQuantity?.value).filter((each) => each !== undefined).reverse()} />,
  ]);
  return <Section title={title} count={groups.length}><Rows heads={["Analyse", "Seneste", "Vurdering", "Forrige", "Forløb"]} rows={rows} /></Section>;
}

function Overview({ found }) {
  const [sought, setSought] = useState("");
  const person = found.person, name = person.name?.[0];
  const drugs = listed(found.drugs, "MedicationRequest").filter((one) => one.status !== "completed");
  const given = listed(found.given, "MedicationAdministration");
  const last = (drug) => given.find((one) => one.request?.reference === `MedicationRequest/${drug.id}`);
  return (
    <Box id="ready">
      <AppBar position="sticky"><Toolbar sx={{ gap: 2 }}>
        <Typography variant="h6">{name?.family?.toUpperCase()}, {name?.given?.join(" ")}</Typography>
        <Typography>Født {person.birthDate}</Typography><Typography>CPR {person.identifier?.[0]?.value}</Typography>
        <TextField type="search" size="small" label="Find patient" value={sought} onChange={(event) => setSought(event.target.value)} sx={{ bgcolor: "white" }} />
      </Toolbar></AppBar>
      <Alert severity="warning">CAVE: {listed(found.allergies, "AllergyIntolerance").map((one) => words(one.code)).join(", ") || "ikke oplyst"}</Alert>
      <Tabs value={0}>{["Overblik", "Medicin", "Svar", "Målinger", "Ordinationer", "Notater", "Tidslinje"].map((tab) => <Tab key={tab} label={tab} />)}</Tabs>
      <Grid container spacing={1.5} sx={{ p: 1.5 }}>
        <Grid item xs={8}>
          <Section title="Medicin" count={drugs.length}>
            <Rows heads={["Lægemiddel", "Dosering", "Sidst givet", "Status"]} rows={drugs.map((one) => [
              <><b>{one.medicationReference?.display ?? words(one.medicationCodeableConcept)}</b><br />{words(one.reasonCode?.[0])}</>,
              one.dosageInstruction?.map((line) => line.text).join("; "), time(last(one)?.effectiveDateTime), <Chip size="small" label={one.status} />,
            ])} />
          </Section>
          <Measured title="Vitale værdier" observations={listed(found.vitals, "Observation")} />
          <Measured title="Laboratoriesvar" observations={listed(found.results, "Observation")} />
        </Grid>
        <Grid item xs={4}>
          <Section title="Indlæggelse"><Rows heads={["Sted", "Siden"]} rows={listed(found.stays, "Encounter").filter((one) => one.status === "in-progress").map((one) => [one.location?.[0]?.location?.display, time(one.period?.start)])} /></Section>
          <Section title="Problemer"><Rows heads={["Problem", "Status"]} rows={listed(found.problems, "Condition").map((one) => [words(one.code), words(one.clinicalStatus)])} /></Section>
          <Section title="Rekvisitioner"><Rows heads={["Undersøgelse", "Bestilt"]} rows={listed(found.requests, "ServiceRequest").filter((one) => one.status === "active").map((one) => [words(one.code), time(one.authoredOn)])} /></Section>
          <Section title="Aftaler"><Rows heads={["Aftale", "Tid"]} rows={listed(found.appointments, "Appointment").map((one) => [one.description, time(one.start)])} /></Section>
          <Section title="Notater">
            {listed(found.notes, "DocumentReference").map((one, number) => (
              <Accordion key={one.id} defaultExpanded={number < 3}>
                <AccordionSummary><b>{words(one.type)}</b>&nbsp;{time(one.date)}</AccordionSummary>
                <AccordionDetails sx={{ whiteSpace: "pre-wrap" }}>{new TextDecoder().decode(Uint8Array.from(atob(one.content?.[0]?.attachment?.data ?? ""), (each) => each.charCodeAt(0)))}</AccordionDetails>
              </Accordion>
            ))}
          </Section>
        </Grid>
      </Grid>
    </Box>
  );
}

function App() {
  const [found, setFound] = useState(null);
  useEffect(() => {
    Promise.all(Object.values(PARTS).map(ask)).then((all) => setFound(Object.fromEntries(Object.keys(PARTS).map((part, at) => [part, all[at]]))));
  }, []);
  return <ThemeProvider theme={theme}><CssBaseline />{found ? <Overview found={found} /> : <Typography sx={{ p: 2 }}>Henter …</Typography>}</ThemeProvider>;
}

createRoot(document.getElementById("root")).render(<App />);
