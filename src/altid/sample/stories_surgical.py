"""Stories of the surgical wards. Doses and limits follow Danish practice for adults."""

from __future__ import annotations

from altid.sample.courses import Curve, Operation, Order, Requisition, Story, Vitals

_PAIN = Order(("paracetamol",), "mod smerter")
_STRONG_PAIN = Order(("morfin-needed", "oxycodon-needed"), "mod stærke smerter")
_NAUSEA = Order(("ondansetron-needed",), "mod kvalme")
_CLOT = Order(("tinzaparin",), "forebyggelse af blodprop efter operation")
_BOWEL = Order(("macrogol",), "forebyggelse af forstoppelse")
_THERAPY = Requisition("therapy", "Fysioterapi, genoptræning efter operation", "fysioterapi")
_TISSUE = Requisition("pathology", "Histologisk undersøgelse af kolonresektat", "histologi", "Kolonresektat")

STORIES = (
    Story(
        key="hip-fracture",
        specialties=("orthopaedics",),
        code="DS720",
        name="Fraktur af lårbenshals",
        ages=(69, 97),
        women=0.7,
        stays=(4, 9),
        curves=(
            Curve("hb", 8.0, 6.3, 2, 6.9, 5),
            Curve("crp", 8, 124, 2.5, 25, 3),
            Curve("albumin", 34, 28, 2.5, 31, 6),
            Curve("creatinine", None, 98, 1.5, None, 3),
            Curve("leukocytes", 10.5, 10.8, 1, None, 2),
        ),
        first=Vitals(18, 94, 146, 92, 36.9, oxygen=1),
        last=Vitals(16, 96, 128, 78, 37.0),
        orders=(_PAIN, _STRONG_PAIN, _BOWEL, Order(("tinzaparin",), "forebyggelse af blodprop"), _NAUSEA),
        pauses=("B01AF", "A10BK", "N02BE"),
        complaint="Indlægges efter fald i eget hjem med smerter i højre hofte, kan ikke støtte på benet.",
        findings=(
            "Højre ben forkortet og udadroteret. Distale neurovaskulære forhold intakte. Røntgen: "
            "disloceret collum femoris-fraktur."
        ),
        plan=(
            "Disloceret collum femoris-fraktur. Planlægges til hemialloplastik inden for 24 timer.",
            "Nerveblokade, paracetamol og p.n. opioid. Faster fra midnat. Væske.",
            "Hæmoglobin dagligt, transfusionsgrænse 6,0 mmol/L. Mobilisering på første postoperative dag.",
        ),
        progress=(
            (
                "Gående med høj rollator. Smertedækket. Genoptræningsplan udfærdiges, osteoporosebehandling "
                "overvejes."
            ),
            (
                "Mobiliseret til stol med to personer. Cikatrice tør. Hæmoglobin stabil over "
                "transfusionsgrænsen."
            ),
        ),
        requisitions=(_THERAPY,),
        follow_up="Ortopædkirurgisk ambulatorium, røntgenkontrol",
        operation=Operation("KNFB02", "Indsættelse af primær hemialloplastik i hofteled, cementeret", 0.8),
        grave=True,
        also=(("DW010", "Fald i samme niveau"),),
    ),
    Story(
        key="knee",
        specialties=("orthopaedics",),
        code="DM171",
        name="Anden primær artrose i knæ",
        ages=(54, 83),
        women=0.6,
        stays=(1, 3),
        curves=(
            Curve("hb", None, 7.7, 1.5, 7.8, 6),
            Curve("crp", 4, 138, 2, 40, 3),
        ),
        first=Vitals(14, 97, 138, 74, 36.8),
        last=Vitals(15, 96, 130, 80, 37.2),
        orders=(
            _PAIN,
            Order(("ibuprofen",), "mod smerter og hævelse", for_days=7, home=True),
            Order(("oxycodon-needed", "morfin-needed"), "mod stærke smerter"),
            _CLOT,
            _BOWEL,
            _NAUSEA,
        ),
        requires=("arthrosis",),
        pauses=("B01AF", "A10BK", "L04AX", "N02BE"),
        complaint=(
            "Indlægges planlagt til total knæalloplastik på venstre side på grund af artrose gennem flere år."
        ),
        findings=(
            "Venstre knæ: varusfejlstilling, bevægelighed 5-105 grader, stabile sideledbånd. Intakt hud."
        ),
        plan=(
            "Total knæalloplastik i spinalanæstesi. Accelereret forløb.",
            "Fuld støtte fra operationsdagen. Fast smertebehandling, opioid efter behov.",
            "Udskrives, når funktionskriterierne er opfyldt, forventet dag 1-2.",
        ),
        progress=(
            "Gående med to stokke, trapper trænet. Bøjer 85 grader. Udskrives med genoptræningsplan.",
            "Smerter ved mobilisering, øvrigt velbefindende. Træner med fysioterapeut to gange dagligt.",
        ),
        requisitions=(_THERAPY,),
        follow_up="Ortopædkirurgisk ambulatorium, kontrol",
        operation=Operation("KNGB40", "Indsættelse af primær total knæledsprotese, cementeret", 0.2),
        planned=True,
    ),
    Story(
        key="appendicitis",
        specialties=("surgery", "acute"),
        code="DK358",
        name="Anden akut appendicitis",
        ages=(18, 52),
        women=0.48,
        stays=(1, 3),
        curves=(
            Curve("crp", 42, 104, 1.3, 15, 2),
            Curve("leukocytes", 14.8, 14.8, 0, None, 1.2),
            Curve("neutrophils", 12.2, 12.2, 0, None, 1.2),
        ),
        first=Vitals(17, 98, 126, 98, 38.1),
        last=Vitals(14, 98, 122, 72, 36.9),
        orders=(
            Order(("cefuroxim", "piptazo"), "mod infektion i bughulen", for_days=2),
            Order(("metronidazol",), "mod infektion i bughulen", for_days=2),
            _PAIN,
            Order(("ibuprofen",), "mod smerter"),
            _STRONG_PAIN,
            _NAUSEA,
        ),
        pauses=("B01AF", "A10BK", "N02BE"),
        complaint=(
            "Indlægges med et døgns smerter, der er vandret til højre fossa, kvalme og en enkelt opkastning."
        ),
        findings="Abdomen: direkte og indirekte øm svarende til McBurney, let défense. Ellers blødt.",
        plan=(
            "Klinisk appendicitis. Laparoskopisk appendektomi, pt. faster og er informeret.",
            "Antibiotika præoperativt, fortsætter postoperativt ved kompliceret forløb.",
        ),
        progress=(
            (
                "Ukompliceret laparoskopisk appendektomi for flegmonøs appendicitis. Spiser og er oppe. Kan "
                "udskrives."
            ),
            "Perforeret appendicitis. Afebril, infektionstal faldende. Fortsætter antibiotika til i morgen.",
        ),
        operation=Operation("KJEA01", "Laparoskopisk appendektomi", 0.4),
    ),
    Story(
        key="cholecystitis",
        specialties=("surgery",),
        code="DK810",
        name="Akut galdeblærebetændelse",
        ages=(32, 82),
        women=0.6,
        stays=(2, 5),
        curves=(
            Curve("crp", 95, 168, 1, 22, 2),
            Curve("leukocytes", 14.2, 14.2, 0, None, 2),
            Curve("alat", 128, 128, 0, None, 3),
            Curve("alp", 186, 192, 1, None, 4),
            Curve("bilirubin", 36, 36, 0, None, 2),
            Curve("amylase", 48, 48, 0, None, 2),
        ),
        first=Vitals(18, 96, 138, 96, 38.4),
        last=Vitals(15, 97, 128, 74, 36.9),
        orders=(
            Order(("piptazo", "cefuroxim"), "mod galdeblærebetændelse", for_days=4),
            _PAIN,
            _STRONG_PAIN,
            _NAUSEA,
            _CLOT,
        ),
        pauses=("B01AF", "A10BK", "N02BE"),
        complaint="Indlægges med to døgns konstante smerter under højre kurvatur, feber og kvalme.",
        findings=(
            "Abdomen: øm under højre kurvatur, Murphys tegn positivt. UL: galdesten og fortykket "
            "galdeblærevæg."
        ),
        plan=(
            "Akut kolecystit. Antibiotika intravenøst og laparoskopisk kolecystektomi i det akutte leje.",
            "Leverprøver følges. MRCP ved stigende bilirubin.",
        ),
        progress=(
            "Laparoskopisk kolecystektomi ukompliceret. Smertedækket, spiser let kost. Leverprøver faldende.",
            "Galdeblæren fjernet for flegmonøs kolecystit. Antibiotika fortsætter i alt 4 dage.",
        ),
        operation=Operation("KJKA21", "Laparoskopisk kolecystektomi", 0.9),
    ),
    Story(
        key="bleeding",
        specialties=("surgery", "acute"),
        code="DK922",
        name="Gastrointestinal blødning uden specifikation",
        ages=(55, 90),
        women=0.42,
        stays=(2, 6),
        curves=(
            Curve("hb", 5.3, 4.6, 0.3, 6.2, 1.2),
            Curve("urea", 16.5, 16.5, 0, None, 1.5),
            Curve("platelets", None, 265, 0.1, None, 3),
            Curve("inr", 1.2, 1.2, 0, None, 2),
            Curve("lactate", 2.4, 2.4, 0, None, 0.6),
            Curve("ferritin", 42, 42, 0, None, 60),
        ),
        first=Vitals(20, 97, 98, 112, 36.6),
        last=Vitals(15, 97, 126, 80, 36.8),
        orders=(
            Order(("pantoprazol-iv-load",), "mod blødende mavesår", for_days=0.1),
            Order(("pantoprazol-twice",), "mod mavesår", from_day=1, home=True),
            Order(("natriumchlorid",), "mod væskemangel", for_days=1),
            Order(("jern",), "mod jernmangel", from_day=2, home=True),
        ),
        pauses=("B01", "M01A", "C09", "C03", "A02BC", "N06AB"),
        complaint=(
            "Indlægges med sort afføring gennem to døgn og kaffegrumslignende opkastning, svimmel ved "
            "oprejsning."
        ),
        findings="Bleg. Abdomen blødt, let øm i epigastriet. Rektaleksploration: melæna.",
        plan=(
            "Øvre gastrointestinal blødning. Pantoprazol 80 mg i.v., akut gastroskopi.",
            "Transfusion til hæmoglobin over 5,0 mmol/L under pågående blødning. 2 portioner er bestilt.",
            "Blodfortyndende behandling pauseres og revurderes efter gastroskopien.",
        ),
        progress=(
            (
                "Gastroskopi: ulcus i bulbus, Forrest IIb, behandlet med klips. Ingen ny melæna. Hæmoglobin "
                "stabil."
            ),
            "Transfunderet med 2 portioner. Kredsløbsstabil. Begynder på flydende kost.",
        ),
        requisitions=(
            Requisition("microbiology", "Fæces, Helicobacter pylori-antigen", "helicobacter", "Fæces"),
        ),
        follow_up="Kontrolgastroskopi",
        operation=Operation("KUJD02", "Gastroskopi", 0.3),
        grave=True,
    ),
    Story(
        key="colon-cancer",
        specialties=("surgery",),
        code="DC187",
        name="Kræft i colon sigmoideum",
        ages=(57, 86),
        women=0.46,
        stays=(3, 7),
        curves=(
            Curve("hb", 7.6, 6.8, 2, 7.1, 6),
            Curve("crp", 12, 142, 2.5, 30, 3),
            Curve("albumin", 35, 28, 2.5, 31, 6),
            Curve("ferritin", 38, 38, 0, None, 60),
            Curve("leukocytes", 7.8, 11.6, 1.5, None, 2),
        ),
        first=Vitals(15, 97, 136, 76, 36.8),
        last=Vitals(15, 96, 128, 78, 37.0),
        orders=(
            _PAIN,
            _STRONG_PAIN,
            _NAUSEA,
            Order(("tinzaparin",), "forebyggelse af blodprop, 28 dage", for_days=28, home=True),
        ),
        pauses=("B01AF", "A10BA02", "A10BK", "N02BE"),
        complaint=(
            "Indlægges planlagt til operation for nyopdaget tumor i colon sigmoideum, fundet ved screening."
        ),
        findings=(
            "Abdomen blødt og uømt, ingen palpable udfyldninger. Almentilstanden god, performance status 1."
        ),
        plan=(
            "Laparoskopisk sigmoideumresektion. Optimeret forløb efter ERAS.",
            "Tromboseprofylakse i 28 dage. Tidlig ernæring og mobilisering.",
            "MDT-konference, når patologisvaret foreligger.",
        ),
        progress=(
            "Tarmfunktion i gang. CRP faldende, intet tegn på anastomoselækage. Kateter er fjernet.",
            "Oppe i stol, drikker energidrikke. Flatus. CRP som forventet efter operationen, abdomen blødt.",
        ),
        requisitions=(_TISSUE,),
        follow_up="Kirurgisk ambulatorium, svar på patologi",
        operation=Operation("KJFB47", "Laparoskopisk resektion af colon sigmoideum", 0.3),
        planned=True,
        grave=True,
    ),
)
