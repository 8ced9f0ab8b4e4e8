"""Stories of infection, lungs, kidneys and diabetes. Doses and limits follow Danish practice for adults."""

from __future__ import annotations

from altid.sample.courses import Curve, Order, Requisition, Story, Vitals

_CULTURE = Requisition("microbiology", "Bloddyrkning", "bloddyrkning", "Blod")
_URINE = Requisition("microbiology", "Urin, dyrkning og resistens", "urindyrkning", "Urin")
_SPUTUM = Requisition(
    "microbiology", "Ekspektorat, dyrkning og resistens", "ekspektoratdyrkning", "Ekspektorat"
)
_CHEST = Requisition("radiology", "Røntgen af thorax", "UXRC00")
_THERAPY = Requisition("therapy", "Fysioterapi, funktionsvurdering og mobilisering", "fysioterapi")

_CLOT = Order(("tinzaparin",), "forebyggelse af blodprop under sengeleje")
_FEVER = Order(("paracetamol-needed",), "mod feber og smerter")

_KIDNEY_PAUSE = ("C09", "C03", "A10BA02", "A10BK", "L04AX", "M01A")
"""Held back while the kidneys suffer: ACE inhibitors and the like, diuretics, metformin, SGLT2,
methotrexate.
"""
_INFECTION_PAUSE = ("L04AX", "A10BK")

STORIES = (
    Story(
        key="pneumonia",
        specialties=("respiratory", "acute", "internal", "geriatrics"),
        code="DJ189",
        name="Pneumoni uden specifikation",
        ages=(48, 93),
        women=0.48,
        stays=(3, 8),
        curves=(
            Curve("crp", 110, 215, 1, 9, 2.6),
            Curve("leukocytes", 15.5, 16.2, 0.5, None, 2.2),
            Curve("neutrophils", 13.1, 13.6, 0.5, None, 2.2),
            Curve("albumin", 33, 29, 2, 33, 6),
            Curve("urea", 9.5, 9.8, 0.5, None, 2),
            Curve("lactate", 1.9, 1.9, 0, None, 0.8),
            Curve("ph", 7.46, 7.46, 0, None, 1),
            Curve("co2", 4.3, 4.3, 0, None, 1),
            Curve("o2", 7.6, 7.6, 0, 9.4, 2),
        ),
        first=Vitals(26, 90, 118, 108, 38.9, oxygen=3),
        last=Vitals(17, 96, 130, 78, 36.9),
        orders=(
            Order(("benzylpenicillin", "cefuroxim", "clarithromycin"), "mod lungebetændelse"),
            _FEVER,
            _CLOT,
            Order(("ipramol",), "mod åndenød", for_days=3),
        ),
        pauses=_INFECTION_PAUSE,
        complaint="Indlægges med fire dages hoste, gulligt ekspektorat, feber og tiltagende åndenød.",
        findings=(
            "St.p.: krepitation basalt på højre side, dæmpet perkussion. St.c.: regelmæssig aktion, ingen "
            "mislyde."
        ),
        plan=(
            "Pneumoni, formentlig bakteriel. Antibiotika intravenøst efter instruks.",
            "Ilt til saturation 94-98 %. Inhalationer og mobilisering.",
            "Bloddyrkning og ekspektorat er sendt. Røntgen af thorax.",
        ),
        progress=(
            (
                "Afebril siden i går, hoster mindre. Infektionstal faldende. Overgår til tablet, når pt. er "
                "afebril i et døgn."
            ),
            "Fortsat iltkrævende, men klinisk i bedring. Fortsætter intravenøs behandling.",
        ),
        requisitions=(_CULTURE, _SPUTUM, _CHEST),
        follow_up="Kontrol med røntgen af thorax",
        grave=True,
    ),
    Story(
        key="copd",
        specialties=("respiratory", "acute", "internal"),
        code="DJ441",
        name="Kronisk obstruktiv lungesygdom med akut eksacerbation",
        ages=(57, 88),
        women=0.54,
        stays=(3, 7),
        curves=(
            Curve("crp", 22, 58, 1, 8, 2),
            Curve("leukocytes", 11.5, 13.8, 2, 11, 4),
            Curve("neutrophils", 8.9, 11.2, 2, 8.8, 4),
            Curve("ph", 7.31, 7.31, 0, 7.39, 0.8),
            Curve("co2", 7.8, 7.8, 0, 6.3, 1.2),
            Curve("o2", 7.1, 7.1, 0, 8.5, 1),
            Curve("bicarbonate", 28.5, 28.5, 0, 27.8, 3),
            Curve("lactate", 1.6, 1.6, 0, None, 1),
            Curve("glucose", 9.5, 11.5, 1, 8, 4),
        ),
        first=Vitals(29, 84, 148, 106, 37.6, oxygen=2),
        last=Vitals(19, 90, 136, 84, 36.9),
        orders=(
            Order(("prednisolon-course",), "mod forværring af KOL", for_days=5),
            Order(("ipramol",), "mod åndenød"),
            Order(("piptazo", "cefuroxim", "clarithromycin"), "mod infektion i luftvejene"),
            _CLOT,
        ),
        requires=("copd",),
        without=("rheumatoid",),
        complaint="Kendt KOL. Indlægges med tre dages tiltagende åndenød og mere purulent ekspektorat.",
        findings=(
            "St.p.: svækket respirationslyd og spredt ekspiratorisk hvæsen bilateralt. Bruger accessoriske "
            "muskler."
        ),
        plan=(
            "Akut eksacerbation af KOL med respiratorisk acidose.",
            "Ilt kontrolleret til saturation 88-92 %. Ny A-punktur om 1 time, NIV ved fortsat pH under 7,35.",
            (
                "Prednisolon i 5 dage, inhalationer 4 gange dagligt, antibiotika på grund af purulent "
                "ekspektorat."
            ),
        ),
        progress=(
            "Bedre luftskifte, taler i hele sætninger. pH normaliseret. Inhalationsteknik gennemgået.",
            "Fortsat åndenød ved let aktivitet. Blodgas bedret. Fortsætter behandlingen uændret.",
        ),
        requisitions=(_SPUTUM, _CHEST, _THERAPY),
        follow_up="Ambulant KOL-kontrol med lungefunktion",
        grave=True,
    ),
    Story(
        key="sepsis",
        specialties=("acute", "internal", "geriatrics"),
        code="DA419",
        name="Sepsis uden specifikation",
        ages=(60, 93),
        women=0.5,
        stays=(4, 10),
        curves=(
            Curve("crp", 165, 305, 1, 14, 2.8),
            Curve("leukocytes", 19.5, 20.5, 0.5, None, 2.4),
            Curve("neutrophils", 17.2, 18.1, 0.5, None, 2.4),
            Curve("platelets", 142, 118, 2, None, 3),
            Curve("creatinine", 176, 196, 0.8, None, 2),
            Curve("urea", 14.5, 16.5, 1, None, 2.5),
            Curve("potassium", 4.8, 4.8, 0, None, 1.5),
            Curve("albumin", 30, 26, 2, 31, 6),
            Curve("lactate", 3.6, 3.6, 0, None, 0.6),
            Curve("ph", 7.34, 7.34, 0, None, 0.8),
            Curve("bicarbonate", 19.5, 19.5, 0, None, 1),
        ),
        first=Vitals(25, 93, 94, 122, 39.4, mind="C", oxygen=1),
        last=Vitals(16, 96, 128, 78, 36.9),
        orders=(
            Order(("piptazo", "meropenem"), "mod blodforgiftning"),
            Order(("natriumchlorid",), "mod væskemangel", for_days=2),
            _FEVER,
            _CLOT,
        ),
        pauses=(*_KIDNEY_PAUSE, "C08", "C07"),
        complaint=(
            "Indlægges med kulderystelser, høj feber og konfusion. Har haft svie ved vandladning i tre dage."
        ),
        findings=(
            "Varm og klam. Bankeøm over højre nyreloge. Kapillærrespons 3 sekunder. Urinstiks: leukocytter "
            "og nitrit."
        ),
        plan=(
            (
                "Urosepsis. Væske 30 mL/kg, antibiotika inden for 1 time, bloddyrkning x 2 og urindyrkning "
                "er taget."
            ),
            "Timediurese, EWS hver time, laktat kontrolleres om 2 timer.",
            "Ultralyd af nyrer på mistanke om hydronefrose.",
        ),
        progress=(
            (
                "Kredsløbsstabil uden væske. Feber faldende. Kreatinin på vej mod habitualniveau. Afventer "
                "dyrkningssvar."
            ),
            (
                "Foreløbigt svar på urindyrkning: gramnegative stave. Fortsætter antibiotika, til resistens "
                "foreligger."
            ),
        ),
        requisitions=(
            _CULTURE,
            _URINE,
            Requisition("radiology", "Ultralyd af nyrer og urinveje", "ultralyd-nyrer"),
        ),
        follow_up="",
        grave=True,
        also=(("DN390", "Urinvejsinfektion uden angivelse af lokalisation"),),
    ),
    Story(
        key="kidney-injury",
        specialties=("geriatrics", "internal", "acute"),
        code="DE869",
        name="Dehydrering",
        ages=(71, 95),
        women=0.6,
        stays=(2, 6),
        curves=(
            Curve("creatinine", 248, 248, 0, None, 1.8),
            Curve("urea", 24.5, 24.5, 0, None, 2),
            Curve("sodium", 150, 150, 0, 140, 2),
            Curve("potassium", 5.5, 5.5, 0, 4.2, 1),
            Curve("crp", 14, 18, 1, None, 2),
            Curve("hb", 9.1, 9.1, 0, None, 2),
        ),
        first=Vitals(18, 96, 98, 98, 36.6, mind="C"),
        last=Vitals(15, 96, 132, 76, 36.7),
        orders=(
            Order(("natriumchlorid",), "mod væskemangel", for_days=3),
            Order(("paracetamol-needed",), "mod smerter"),
        ),
        pauses=_KIDNEY_PAUSE,
        complaint=(
            "Indlægges fra eget hjem efter en uges diarré og ringe væskeindtag. Er blevet mere træt og "
            "forvirret."
        ),
        findings="Tørre slimhinder, nedsat hudturgor. Blødt uømt abdomen. Blærescanning 90 mL.",
        plan=(
            "Dehydrering med prærenal akut nyresvigt. Isoton NaCl, væskeskema.",
            "ACE-hæmmer/ARB, diuretika, metformin og NSAID pauseres. Kalium kontrolleres igen i aften.",
            "Fæces til dyrkning. Isolation til svar foreligger.",
        ),
        progress=(
            "Vågen og klar. Spiser halve portioner. Kommunen kontaktes vedrørende øget hjælp.",
            (
                "Drikker sufficient, diurese god. Kreatinin faldende. Pauseret medicin revurderes ved "
                "udskrivelsen."
            ),
        ),
        requisitions=(
            Requisition("microbiology", "Fæces, tarmpatogene bakterier", "faecesdyrkning", "Fæces"),
            _THERAPY,
        ),
        also=(("DN179", "Akut nyreinsufficiens uden specifikation"),),
    ),
    Story(
        key="ketoacidosis",
        specialties=("endocrinology", "acute", "internal"),
        code="DE101",
        name="Type 1-diabetes med ketoacidose",
        ages=(19, 58),
        women=0.47,
        stays=(2, 4),
        curves=(
            Curve("glucose", 28.4, 28.4, 0, 9.6, 0.5),
            Curve("ph", 7.14, 7.14, 0, 7.39, 0.4),
            Curve("bicarbonate", 9.5, 9.5, 0, 24, 0.5),
            Curve("co2", 3.1, 3.1, 0, 4.9, 0.5),
            Curve("ketones", 5.8, 5.8, 0, 0.3, 0.5),
            Curve("potassium", 5.4, 3.6, 0.6, 4.1, 1),
            Curve("sodium", 130, 130, 0, 139, 0.8),
            Curve("creatinine", 118, 118, 0, None, 0.8),
            Curve("leukocytes", 13.8, 13.8, 0, None, 1),
        ),
        first=Vitals(28, 98, 104, 118, 36.4),
        last=Vitals(15, 98, 124, 76, 36.8),
        orders=(
            Order(("natriumchlorid",), "mod væskemangel", for_days=1.5),
            Order(("aspart-infusion",), "mod ketoacidose", for_days=0.8),
            Order(("kaleorid",), "mod kaliummangel under insulinbehandling", from_day=0.5, for_days=2),
            Order(("ondansetron-needed",), "mod kvalme"),
        ),
        requires=("diabetes-1",),
        pauses=("A10AB",),
        pauses_days=0.9,
        complaint="Kendt type 1-diabetes. Indlægges med opkastninger og tørst i et døgn, har glemt insulin.",
        findings=(
            "Kussmauls respiration, acetonelugt, tør. Abdomen diffust let ømt, ingen peritoneal reaktion."
        ),
        plan=(
            "Diabetisk ketoacidose. Væske og insulin efter instruks, glukose og ketoner hver time.",
            "Kalium hver 2. time, tilskud ved kalium under 5,0. Langtidsvirkende insulin fortsættes.",
            "Udløsende årsag: manglende insulin. Diabetessygeplejerske inddrages.",
        ),
        progress=(
            "Ketosefri, spiser. Tilbage på habituelt insulin. Undervist i sygedagsregler.",
            "Acidosen er ophævet. Overgår til subkutan insulin ved aftensmåltidet.",
        ),
        follow_up="Diabetesambulatorium, sygeplejerskekonsultation",
    ),
    Story(
        key="erysipelas",
        specialties=("acute", "internal", "endocrinology", "geriatrics"),
        code="DA469",
        name="Rosen (erysipelas)",
        ages=(40, 90),
        women=0.45,
        stays=(2, 5),
        curves=(
            Curve("crp", 98, 156, 1, 16, 2.2),
            Curve("leukocytes", 13.2, 13.4, 0.5, None, 2),
            Curve("neutrophils", 10.8, 11, 0.5, None, 2),
        ),
        first=Vitals(18, 96, 128, 98, 38.8),
        last=Vitals(15, 97, 132, 74, 36.8),
        orders=(
            Order(("benzylpenicillin", "cefuroxim", "clarithromycin"), "mod rosen"),
            Order(("paracetamol-needed",), "mod feber og smerter"),
            Order(("tinzaparin",), "forebyggelse af blodprop under sengeleje"),
        ),
        pauses=("L04AX",),
        complaint="Indlægges med feber, kuldegysninger og tiltagende rødme og hævelse af venstre underben.",
        findings=(
            "Venstre crus: velafgrænset, varm, øm rødme til knæet. Fissur mellem 4. og 5. tå. Ingen nekrose."
        ),
        plan=(
            "Erysipelas på venstre crus. Benzylpenicillin intravenøst, rødmen optegnes.",
            "Eleveret leje, kompression når smerterne tillader. Behandling af tåsvamp.",
        ),
        progress=(
            "Rødmen aftaget og inden for optegningen. Afebril. Overgår til tabletter i morgen.",
            "Uændret udbredning, men mindre øm. Fortsætter intravenøs behandling.",
        ),
        requisitions=(Requisition("microbiology", "Bloddyrkning", "bloddyrkning", "Blod"),),
    ),
)
