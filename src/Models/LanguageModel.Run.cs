using static TorchSharp.torch;

namespace MlNetIcl.Models;

public sealed partial class LanguageModel
{
    /// <summary>Runs one forward pass as <paramref name="plan"/> asks. Rows of different lengths are padded on the right; no row's values depend on another's.</summary>
    /// <param name="tokens">The rows.</param>
    /// <param name="plan">What to compute.</param>
    /// <param name="cancellationToken">Checked before every block.</param>
    /// <exception cref="InvalidTokensException">A token is outside the vocabulary, or a row longer than the context.</exception>
    /// <exception cref="ArgumentException">The plan asks for nothing, for a site that the model does not have, or replaces a value by one of another shape.</exception>
    /// <exception cref="InsufficientMemoryException">One layer's attention over these rows alone is larger than the machine's memory.</exception>
    public ForwardResult Run(TokenBatch tokens, ForwardPlan plan, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        ArgumentNullException.ThrowIfNull(plan);
        using var noGradients = no_grad();
        return _graph?.Run(Config, tokens, plan, cancellationToken) ?? DecoderPass.Run(Config, Weights, tokens, plan, cancellationToken);
    }
}
