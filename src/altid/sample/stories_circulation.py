"""Stories of heart, vessels and brain. Doses and limits follow Danish practice for adults."""

from __future__ import annotations

from altid.sample.courses import Curve, Operation, Order, Requisition, Story, Vitals

_CHEST = Requisition("radiology", "Røntgen af thorax", "UXRC00")
_ECHO = Requisition("heart", "Ekkokardiografi", "UXUC81")
_THERAPY = Requisition("therapy", "Fysioterapi, funktionsvurdering og mobilisering", "fysioterapi")
_CLOT = Order(("tinzaparin",), "forebyggelse af blodprop under sengeleje")

STORIES = (
    Story(
        key="heart-failure",
        specialties=("cardiology", "internal", "geriatrics"),
        code="DI500",
        name="Kongestiv hjerteinsufficiens",
        ages=(66, 93),
        women=0.44,
        stays=(4, 9),
        curves=(
            Curve("probnp", 7200, 7200, 0, 2900, 4),
            Curve("troponin", 38, 41, 0.3, 26, 3),
            Curve("sodium", 133, 133, 0, 137, 3),
            Curve("potassium", 4.4, 4.4, 0, 3.7, 2),
            Curve("creatinine", 132, 141, 2, 122, 4),
            Curve("urea", 12.5, 13.8, 2, 11, 4),
            Curve("lactate", 1.7, 1.7, 0, None, 1),
        ),
        first=Vitals(25, 90, 148, 98, 36.7, oxygen=2),
        last=Vitals(16, 95, 122, 74, 36.7),
        orders=(
            Order(("furosemid-iv",), "mod væskeophobning", for_days=3),
            Order(("furosemid-twice",), "mod væskeophobning", from_day=3, home=True),
            _CLOT,
        ),
        requires=("heart-failure",),
        pauses=("C03CA",),
        complaint=(
            "Indlægges med 10 dages tiltagende åndenød, ødemer på begge underben og vægtøgning på 6 kg."
        ),
        findings="Halsvenestase. St.p.: fugtige rallelyde basalt bilateralt. Deklive ødemer til knæniveau.",
        plan=(
            "Inkompenseret hjertesvigt. Furosemid intravenøst, daglig vægt, væske- og timediurese.",
            "Mål: vægttab 1-1,5 kg i døgnet. Daglig kontrol af elektrolytter og kreatinin.",
            "Ekkokardiografi med henblik på uddrivningsfraktion. Optrapning i hjertesvigtsklinikken.",
        ),
        progress=(
            "Er nu i habitualvægt. Overgår til tablet furosemid og planlægges udskrevet med opfølgning.",
            "Vægttab 1,4 kg siden i går, mindre ødem. Kreatinin stabil. Fortsætter diuretisk behandling.",
        ),
        requisitions=(_ECHO, _CHEST),
        follow_up="Hjertesvigtsklinik, kontrol og optrapning",
        grave=True,
    ),
    Story(
        key="fibrillation",
        specialties=("cardiology", "acute", "internal"),
        code="DI480",
        name="Paroksystisk atrieflimren",
        ages=(52, 86),
        women=0.46,
        stays=(1, 3),
        curves=(
            Curve("potassium", 3.4, 3.4, 0, 4.2, 0.8),
            Curve("magnesium", 0.66, 0.66, 0, 0.84, 1),
            Curve("troponin", 16, 19, 0.3, 12, 1),
            Curve("tsh", None, 2, 0, None, 1),
            Curve("probnp", 980, 980, 0, 640, 2),
        ),
        first=Vitals(19, 96, 126, 142, 36.8),
        last=Vitals(15, 97, 132, 76, 36.7),
        orders=(
            Order(("metoprolol-twice", "metoprolol"), "frekvenskontrol ved atrieflimren", home=True),
            Order(("apixaban", "rivaroxaban"), "forebyggelse af blodprop ved atrieflimren", home=True),
            Order(("kaleorid",), "mod kaliummangel", for_days=2),
        ),
        without=("fibrillation", "asthma", "heart-failure", "ischaemia"),
        complaint="Indlægges med 12 timers hjertebanken og let svimmelhed. Ingen brystsmerter.",
        findings="St.c.: uregelmæssig, hurtig aktion. EKG: atrieflimren, frekvens omkring 140, ingen iskæmi.",
        plan=(
            "Nyopdaget atrieflimren med hurtig frekvens. Frekvenskontrol med metoprolol.",
            "CHA2DS2-VASc vurderet, AK-behandling med NOAK påbegyndes.",
            "Kalium over 4,0 og magnesium normaliseres. Telemetri.",
        ),
        progress=(
            "Spontant konverteret til sinusrytme. Velbefindende. Udskrives med AK-behandling.",
            "Fortsat atrieflimren, nu velkontrolleret frekvens. Telemetri til i morgen.",
        ),
        requisitions=(_ECHO,),
        follow_up="Ambulant ekkokardiografi og rytmekontrol",
    ),
    Story(
        key="infarction",
        specialties=("cardiology",),
        code="DI214",
        name="Akut subendokardialt myokardieinfarkt",
        ages=(46, 84),
        women=0.32,
        stays=(2, 5),
        curves=(
            Curve("troponin", 94, 720, 0.6, 60, 1.8),
            Curve("ldl", 3.9, 3.9, 0, None, 20),
            Curve("crp", 5, 24, 1.5, None, 2),
            Curve("glucose", 8.1, 8.1, 0, 6.4, 2),
        ),
        first=Vitals(18, 96, 152, 92, 36.7),
        last=Vitals(14, 97, 124, 66, 36.7),
        orders=(
            Order(("magnyl-load",), "mod blodprop i hjertet", for_days=0.1),
            Order(("magnyl",), "mod blodprop i hjertet", from_day=1, home=True),
            Order(("ticagrelor",), "mod blodprop i hjertet, 12 måneder", home=True),
            Order(("atorvastatin-high", "atorvastatin"), "mod forhøjet kolesterol", home=True),
            Order(("metoprolol",), "aflastning af hjertet", home=True),
            Order(("fondaparinux",), "mod blodprop i hjertet", for_days=2),
            Order(("nitroglycerin-needed",), "mod brystsmerter", home=True),
        ),
        without=("fibrillation", "asthma", "ischaemia"),
        pauses=("C10A", "B01AC", "M01A"),
        complaint="Indlægges med trykkende brystsmerter i 3 timer med udstråling til venstre arm.",
        findings="Smertefri efter nitroglycerin. EKG: ST-depression i V4-V6. St.p. og st.c. normal.",
        plan=(
            "NSTEMI. Dobbelt trombocythæmmende behandling, fondaparinux og højdosis statin.",
            "KAG inden for 24 timer. Telemetri og serielle troponiner.",
            "Ekkokardiografi. Henvises til hjerterehabilitering.",
        ),
        progress=(
            (
                "KAG med PCI forløb ukompliceret, stent i LAD. Ingen arytmi på telemetri, smertefri og "
                "mobiliseret."
            ),
            "KAG med PCI forløb ukompliceret, stent i LAD. Smertefri og kredsløbsstabil. Fortsat telemetri.",
        ),
        requisitions=(_ECHO,),
        follow_up="Hjerterehabilitering, opstartssamtale",
        operation=Operation("KFNG05", "Perkutan koronar intervention (PCI) med stent", 0.7),
    ),
    Story(
        key="stroke",
        specialties=("neurology",),
        code="DI639",
        name="Hjerneinfarkt uden specifikation",
        ages=(55, 91),
        women=0.47,
        stays=(3, 10),
        curves=(
            Curve("glucose", 8.4, 8.4, 0, 6.6, 2),
            Curve("ldl", 3.6, 3.6, 0, None, 20),
            Curve("crp", 5, 16, 2, 7, 3),
            Curve("troponin", 15, 15, 0, 12, 3),
        ),
        first=Vitals(17, 96, 182, 84, 36.9, mind="C"),
        last=Vitals(15, 96, 148, 74, 36.8),
        orders=(
            Order(("clopidogrel-load",), "mod ny blodprop i hjernen", for_days=0.1),
            Order(("clopidogrel",), "mod ny blodprop i hjernen", from_day=1, home=True),
            Order(("atorvastatin", "simvastatin"), "mod ny blodprop i hjernen", home=True),
            Order(("paracetamol-needed",), "mod hovedpine"),
        ),
        requires=("hypertension",),
        without=("fibrillation",),
        pauses=("B01AC",),
        complaint=(
            "Indlægges med pludselig nedsat kraft i højre arm og ben samt talebesvær, sidst set rask "
            "aftenen før."
        ),
        findings=(
            "NIHSS 7: højresidig central facialisparese, arm- og benparese, let ekspressiv afasi. CT-C uden "
            "blødning."
        ),
        plan=(
            "Akut iskæmisk apopleksi uden for vinduet for trombolyse. Clopidogrel efter bolus, statin.",
            "Synketest før mad og drikke. Tidlig mobilisering ved fysioterapeut.",
            "MR-C og ultralyd af halskar. Telemetri i 48 timer for atrieflimren.",
        ),
        progress=(
            (
                "Bedret kraft i højre ben, går med rollator. Sproget næsten normaliseret. Genoptræningsplan "
                "udarbejdes."
            ),
            "Uændrede udfald. Synketest bestået til blød kost. Fortsætter træning dagligt.",
        ),
        requisitions=(
            Requisition("radiology", "MR-skanning af cerebrum", "UXMA00"),
            Requisition("radiology", "Ultralyd af halskar", "ultralyd-halskar"),
            _THERAPY,
        ),
        follow_up="Apopleksiambulatorium, kontrol",
        grave=True,
    ),
    Story(
        key="embolism",
        specialties=("respiratory", "acute", "internal"),
        code="DI269",
        name="Lungeemboli uden akut cor pulmonale",
        ages=(35, 85),
        women=0.5,
        stays=(1, 4),
        curves=(
            Curve("d-dimer", 4.6, 4.6, 0, 2.1, 3),
            Curve("troponin", 24, 28, 0.3, 9, 1),
            Curve("probnp", 640, 640, 0, None, 2),
            Curve("crp", 18, 38, 1, 10, 2),
            Curve("ph", 7.47, 7.47, 0, 7.42, 1),
            Curve("co2", 4.2, 4.2, 0, None, 1),
            Curve("o2", 8.1, 8.1, 0, 10.4, 1),
        ),
        first=Vitals(23, 92, 132, 106, 37.3, oxygen=2),
        last=Vitals(16, 96, 130, 78, 36.8),
        orders=(
            Order(("apixaban-embolism",), "mod blodprop i lungen", home=True),
            Order(("paracetamol-needed",), "mod smerter"),
        ),
        without=("fibrillation",),
        pauses=("B01AC",),
        complaint=(
            "Indlægges med pludselig åndenød og vejrtrækningsafhængige smerter i højre side af brystet."
        ),
        findings=(
            "St.p. normal. Ingen tegn på DVT. EKG: sinustakykardi. CT-angiografi: segmental emboli i højre "
            "underlap."
        ),
        plan=(
            (
                "Segmental lungeemboli, hæmodynamisk stabil (sPESI 0-1). Apixaban 10 mg x 2 i 7 dage, "
                "derefter 5 mg x 2."
            ),
            "Behandling i mindst 3 måneder. Udløsende årsag afklares.",
        ),
        progress=(
            "Mindre åndenød, iltfri. Informeret om AK-behandling. Udskrives med kontrol i tromboseklinikken.",
            "Fortsat smerter ved dyb inspiration. Kredsløbsstabil. Mobiliseres.",
        ),
        requisitions=(_ECHO,),
        follow_up="Tromboseklinik, kontrol",
    ),
)
