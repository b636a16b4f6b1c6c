using System.CommandLine;
using System.Globalization;
using static System.FormattableString;

namespace MlNetIcl.Cli.Input;

/// <summary>Options that take a whole number.</summary>
internal static class WholeNumber
{
    /// <summary>An option whose value is checked while the command line is read; null where it is not given.</summary>
    /// <param name="name">The option.</param>
    /// <param name="help">What help calls its value.</param>
    /// <param name="least">The least value.</param>
    /// <param name="usual">The default that help shows; null where the description says it.</param>
    /// <param name="description">What it sets.</param>
    /// <param name="most">The greatest value.</param>
    public static Option<int?> Option(string name, string help, int least, int? usual, string description, int most = int.MaxValue) => new(name)
    {
        HelpName = help,
        Description = usual is { } value ? Invariant($"{description} Default: {value}.") : description,
        CustomParser = argument =>
        {
            string text = argument.Tokens[0].Value;
            if (int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int number) && number >= least && number <= most) return number;
            argument.AddError(least == int.MinValue
                ? $"{name} takes a whole number of 32 bits, got '{text}'."
                : most < int.MaxValue ? Invariant($"{name} takes a whole number from {least} to {most}, got '{text}'.")
                : Invariant($"{name} takes a whole number of at least {least}, got '{text}'."));
            return null;
        },
    };
}
