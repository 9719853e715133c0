//! Currencies of ISO 4217 and how many digits their minor units have.

/// Codes with two digits.
const TWO_DIGITS: &str = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD \
    BTN BWP BYN BZD CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP \
    GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP \
    LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD \
    PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC \
    SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES WST XCD YER ZAR ZMW ZWG";
/// Codes without a minor unit.
const NO_DIGITS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
/// Codes with three digits.
const THREE_DIGITS: &str = "BHD IQD JOD KWD LYD OMR TND";

/// A currency that is not known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("currency `{code}` is not known; use an ISO 4217 code such as CNY")]
pub struct CurrencyError {
    /// The code asked for.
    pub code: String,
}

/// The digits of a currency's minor unit.
///
/// # Errors
/// When there is no such currency.
pub fn exponent(code: &str) -> Result<u8, CurrencyError> {
    let groups = [(NO_DIGITS, 0), (TWO_DIGITS, 2), (THREE_DIGITS, 3)];
    let group =
        groups.iter().find(|(codes, _)| codes.split_whitespace().any(|known| known == code));
    group.map(|(_, digits)| *digits).ok_or_else(|| CurrencyError { code: code.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::exponent;

    #[test]
    fn currencies_have_the_digits_of_their_minor_unit() {
        assert_eq!((exponent("CNY"), exponent("JPY"), exponent("KWD")), (Ok(2), Ok(0), Ok(3)));
        for wrong in ["", "cny", "CN", "CNYEUR", "CNY EUR", "XXX"] {
            assert!(exponent(wrong).is_err(), "{wrong}");
        }
    }
}
